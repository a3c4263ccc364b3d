-- Rows as a worker writes them at revision 0008.

INSERT INTO workers (id, host, pid, version, slots, lease, longest_gap)
VALUES ('00000008-0000-4000-8000-00000000000c', 'host', 4712, '0.9', 10, '30 s', '2.5 s');
