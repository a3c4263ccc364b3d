"""Switches protections off, one at a time, in a copy of the project, and sees the test of each fail.

    python -m tests.protections [fault …]

The exit code is 1 if a test passes without the protection that it is there for, or if the code to switch off is gone.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from src.operations.known_schema import ROOT

_PATIENCE, _LONGEST = 60.0, 600.0
"""Seconds that a test waits for one thing, and that it may take in all. Some tests fail by waiting in vain."""


@dataclass(frozen=True)
class Protection:
    """A piece of code without which a fault has its effect."""

    fault: str
    """Its number in docs/promises.md, what an attack is by, `server`: what a server is like, or `quality`."""
    what: str
    file: str
    code: str
    instead: str
    test: str
    """The test, in the form of pytest's option -k."""


PROTECTIONS = (
    Protection(
        "1",
        "a new attempt writes only what is missing",
        "src/services/course_generator.py",
        "missing = [plan for plan in outline.lessons if plan.lesson_number not in work.saved]",
        "missing = list(outline.lessons)",
        "test_killed_mid_lesson_resumes_without_paying_again",
    ),
    Protection(
        "4",
        "a redelivered request without an id is recognised by its body",
        "src/services/database/intake.py",
        "    if not redelivered:\n        return request\n",
        "    return request\n",
        "test_killed_between_accepting_and_the_ack_recognises_the_redelivered_request",
    ),
    Protection(
        "7",
        "every transaction proves its lease",
        "src/services/database/course_store.py",
        "if not held:",
        "if False:",
        "test_a_suspended_worker_that_wakes_after_its_lease_writes_nothing and fence",
    ),
    Protection(
        "8",
        "slots stop when their lease can't be proven",
        "src/consumers/heartbeat.py",
        "if self._was_proven and not self._leases.proven:",
        "if False:",
        "test_when_beats_fail_slots_stop_before_the_lease_ends",
    ),
    Protection(
        "9",
        "the attempt is counted by the claim itself",
        "src/services/database/sql/claim_courses.sql",
        "attempt = q.attempt + 1",
        "attempt = q.attempt",
        "test_after_its_last_attempt_it_fails_and_is_never_claimed_again",
    ),
    Protection(
        "10",
        "a rescuer leaves a course alone that somebody is just finishing",
        "src/services/database/sql/rescue_courses.sql",
        "    FOR NO KEY UPDATE OF q, c SKIP LOCKED\n",
        "",
        "test_a_course_that_is_just_being_finished_is_left_to_its_worker",
    ),
    Protection(
        "10",
        "a worker that was taken for dead can't finish",
        "src/services/database/course_store.py",
        "if not held:",
        "if False:",
        "test_a_rescuer_and_a_finishing_worker_can_not_both_win",
    ),
    Protection(
        "12",
        "what came over a connection that is gone is left to its next delivery",
        "src/consumers/generation_consumer.py",
        "if delivery.is_current():",
        "if True:",
        "test_messages_of_a_connection_that_broke_are_left_to_their_next_delivery",
    ),
    Protection(
        "15",
        "a subscription that ends without an error is a fault",
        "src/services/broker/consumer.py",
        'raise ConnectionError("the broker cancelled the subscription")',
        "self._stopping.wait()",
        "test_a_queue_that_is_deleted_is_declared_again_and_subscribed_to",
    ),
    Protection(
        "16",
        "nobody waits for a blocked broker for ever",
        "src/services/broker/connection.py",
        "        blocked_connection_timeout=blocked,\n",
        "",
        "test_a_broker_that_blocks_publishing_is_waited_for_but_not_for_ever",
    ),
    Protection(
        "16",
        "an alarm is no message's fault",
        "src/services/broker/publisher.py",
        "return PublishResult.BROKEN if over_it else PublishResult.LOST",
        "return PublishResult.BROKEN",
        "test_an_alarm_is_no_messages_fault_and_all_are_published_when_it_ends",
    ),
    Protection(
        "17",
        "no thread that waits for the broker holds up the exit",
        "src/services/broker/direct_replies.py",
        "daemon=True",
        "daemon=False",
        "test_a_broker_that_falls_silent_over_a_direct_reply_holds_up_no_stop_and_no_exit",
    ),
    Protection(
        "20",
        "a commit whose confirmation was lost is looked up",
        "src/services/database/course_store.py",
        'if last_try and connection.execute(sql("was_committed")',
        'if False and connection.execute(sql("was_committed")',
        "test_a_connection_that_breaks_during_the_commit_of_ready_makes_one_course_and_one_result",
    ),
    Protection(
        "21",
        "without the database, requests are written with files",
        "src/consumers/generation_consumer.py",
        "if self._files_only is not None and not self._watch.present:\n                await",
        "if False:\n                await",
        "test_ten_requests_give_ten_results_and_ten_folders_and_later_ten_rows",
    ),
    Protection(
        "21",
        "a message that is held is not acknowledged along with others",
        "src/services/broker/consumer.py",
        "gap = next(iter(self._tags), math.inf)",
        "gap = math.inf",
        "test_one_that_is_held_keeps_no_other_and_is_acknowledged_by_no_other",
    ),
    Protection(
        "24",
        "all slots share the brake",
        "src/services/model/brake.py",
        "        if turn.round == self._round:\n            self._round += 1",
        "        if False:\n            self._round += 1",
        "test_a_model_that_takes_few_calls_at_once_gets_few_and_no_course_suffers",
    ),
    Protection(
        "26",
        "a model that refuses everything stops claims",
        "src/services/course_generator.py",
        'return Postponed(str(error), delay, stop="setting")',
        "return Postponed(str(error), delay)",
        "test_a_wrong_key_stops_claiming_with_one_loud_line_and_the_backlog_stays",
    ),
    Protection(
        "27",
        "an answer that is cut off is never taken for a whole one",
        "src/services/model/answers.py",
        'if completion.finish_reason == "length" and value is None:',
        "if False:",
        "test_an_answer_that_is_cut_off_is_asked_for_again_and_never_repaired",
    ),
    Protection(
        "29",
        "the backslashes of formulas are kept",
        "src/domain/latex.py",
        'if "$" not in source and _NOT_ORDINARY.search(source) is None:',
        "if True:",
        "test_formulas_are_stored_as_they_were_meant_however_they_are_escaped",
    ),
    Protection(
        "29",
        "a formula that lost its backslashes is no lesson",
        "src/domain/quality/text_gates.py",
        "    mangled_formula,\n    heading",
        "    heading",
        "test_a_gate_finds_what_it_is_for and mangled_formula",
    ),
    Protection(
        "36",
        "a disk that is full holds no result up",
        "src/consumers/mirror_keeper.py",
        "            await self._store.release_result(course_id, mirrored=False)\n",
        "",
        "test_a_folder_that_can_not_be_written_holds_no_result_up_and_is_written_later",
    ),
    Protection(
        "36",
        "what could not be written whole is taken away",
        "src/services/folders.py",
        "                self._remove(temporary)\n",
        "                pass\n",
        "test_a_full_or_broken_disk_is_one_named_error_and_leaves_no_temporary_file",
    ),
    Protection(
        "37",
        "files are put into place as a whole",
        "src/services/folders.py",
        'temporary = f".{name}.{secrets.token_hex(6)}.part"',
        "temporary = name",
        "test_killed_while_it_writes_the_files_leaves_none_half_written",
    ),
    Protection(
        "40",
        "what reaches no queue is not published",
        "src/services/broker/publisher.py",
        "            mandatory=publication.mandatory,\n",
        "",
        "test_a_result_that_can_not_be_routed_is_kept_and_published_later",
    ),
    Protection(
        "41",
        "no event overtakes an earlier one of its key",
        "src/services/database/sql/claim_messages.sql",
        "WHERE earlier.order_key = o.order_key AND",
        "WHERE FALSE AND",
        "test_one_that_is_refused_holds_up_those_of_its_key_and_no_others",
    ),
    Protection(
        "42",
        "a message that is sent again carries the same id",
        "src/services/broker/messages.py",
        "message_id=str(message.message_id)",
        'message_id=str(__import__("uuid").uuid4())',
        "test_killed_between_publishing_and_marking_sends_the_same_message_id_again",
    ),
    Protection(
        "42",
        "a message is marked after its confirm and not before",
        "src/consumers/result_relay.py",
        "            publications = [",
        "            await self._outbox.published([message.id for message in messages])\n            publications = [",
        "test_killed_between_publishing_and_marking_sends_the_same_message_id_again",
    ),
    Protection(
        "47",
        "no text can close its tag",
        "src/services/model/prompts/__init__.py",
        '.replace("<", "\\\\u003c").replace(">", "\\\\u003e")',
        "",
        "test_instructions_in_topic_and_passages_reach_the_model_as_data_and_nothing_comes_of_them",
    ),
    Protection(
        "49",
        "secrets are taken out of what is stored",
        "src/domain/redaction.py",
        "            text = text.replace(secret, HIDDEN)\n",
        "            pass\n",
        "test_the_secrets_of_this_process_whatever_they_look_like",
    ),
    Protection(
        "49",
        "what a model says is cleaned of secrets before it is stored and sent",
        "src/consumers/attempt.py",
        "message, reason = printable(self._redact(end.message)), printable(self._redact(end.detail or end.message))",
        "message, reason = printable(end.message), printable(end.detail or end.message)",
        "test_a_key_that_a_server_repeats_stays_out_of_rows_messages_and_logs",
    ),
    Protection(
        "53",
        "an attempt that is over writes nothing, in whatever order things happen",
        "src/services/database/course_store.py",
        "if not held:",
        "if False:",
        "test_a_lease_once_lost_never_writes_and_nothing_saved_or_ended_changes_by_itself",
    ),
    Protection(
        "57",
        "functions that are in force are not touched",
        "src/operations/migrations.py",
        'if on_record.get(row["name"]) != row["digest"]:',
        "if True:",
        "test_only_what_differs_from_the_record_is_applied",
    ),
    Protection(
        "57",
        "functions are applied at the newest revision and not before",
        "src/operations/migrations.py",
        "if revision != head_revision():",
        "if False:",
        "test_functions_are_applied_on_arrival_at_the_newest_revision_and_not_before",
    ),
    Protection(
        "57",
        "schema.sql leaves a database alone whose revision it doesn't know",
        "schema.sql",
        "newest program that works with this database.';\n        RETURN;\n",
        "newest program that works with this database.';\n",
        "test_the_program_of_before_changes_nothing_and_says_why",
    ),
    Protection(
        "60",
        "no test can leave this machine",
        "tests/conftest.py",
        "    sys.addaudithook(_refuse_to_leave_this_machine)\n",
        "",
        "test_even_a_client_that_a_test_builds_by_itself_comes_nowhere",
    ),
    Protection(
        "roles",
        "names are looked up in pg_catalog alone",
        "src/services/database/connection.py",
        '"pg_catalog, pg_temp"',
        '"public, pg_temp"',
        "test_one_that_fits_the_heartbeat_is_not_called",
    ),
    Protection(
        "roles",
        "what has a name of ours must belong to whom can be trusted",
        "src/services/database/sql/planted.sql",
        "WHERE found.own::text = ANY",
        "WHERE FALSE AND found.own::text = ANY",
        "test_an_upgrade_a_check_and_a_worker_refuse_it_and_run_none_of_it",
    ),
    Protection(
        "locks",
        "a request that meets a lock is set aside",
        "src/services/database/intake.py",
        "raise RequestLocked(request.user_id) from error",
        "raise",
        "test_a_user_whose_rows_are_locked_keeps_no_other_waiting_and_loses_nothing",
    ),
    Protection(
        "locks",
        "a course that somebody has locked gives its slot away",
        "src/consumers/course_worker.py",
        "return sum(not slot.concluding and not self._is_locked(slot) for",
        "return sum(not slot.concluding for",
        "test_locks_on_as_many_courses_as_there_are_slots_keep_no_others_waiting",
    ),
    Protection(
        "turns",
        "few courses of each user get their turns at a time",
        "src/services/database/sql/courses_without_turn.sql",
        "    LIMIT :of_each\n",
        "",
        "test_however_many_courses_a_user_queues_another_gets_its_turn_at_once",
    ),
    Protection(
        "turns",
        "a course that can't be judged gets no turn",
        "src/services/database/course_store.py",
        "(permitted := fail_beyond_limits(connection, self._limits, new))",
        "(permitted := (fail_beyond_limits(connection, self._limits, new), new)[1])",
        "test_a_user_gets_no_more_by_locking_his_courses_while_they_are_counted",
    ),
    Protection(
        "clock",
        "who was seen in the future is not taken for living",
        "src/services/database/sql/rescue_courses.sql",
        "(w.last_seen_at - now() >= w.lease",
        "(FALSE",
        "test_after_a_clock_was_put_back_everything_goes_on",
    ),
    Protection(
        "http",
        "the HTTP port has few connections",
        "src/operations/health.py",
        "oldest.force_close()",
        "pass",
        "test_connections_that_ask_for_nothing_cost_no_request_and_no_log",
    ),
    Protection(
        "http",
        "no connection to the HTTP port lives for ever",
        "src/operations/health.py",
        "            connection.force_close()",
        "            pass",
        "test_every_connection_has_an_end",
    ),
    Protection(
        "http",
        "what is no HTTP leaves no traceback in the log",
        "src/operations/logs.py",
        '"aiohttp.server": logging.CRITICAL',
        '"aiohttp.server": logging.WARNING',
        "test_what_is_no_http_is_refused_and_fills_no_log",
    ),
    Protection(
        "messages",
        "a direct reply that broke its connection is dropped",
        "src/consumers/result_relay.py",
        "                case PublishResult.BROKEN if message.is_direct_reply:",
        "                case PublishResult.BROKEN if False:",
        "test_replies_that_break_the_connection_are_tried_once_and_keep_nobody_waiting",
    ),
    Protection(
        "messages",
        "replies have connections of their own",
        "src/worker.py",
        "ResultRelay(outbox, self._replies, ",
        "ResultRelay(outbox, self._publisher, ",
        "test_replies_that_break_the_connection_are_tried_once_and_keep_nobody_waiting",
    ),
    Protection(
        "messages",
        "a body that no broker should take is not fetched",
        "src/consumers/result_relay.py",
        "_MOST_BODY_BYTES = 1024 * 1024",
        "_MOST_BODY_BYTES = 1024 * 1024 * 1024",
        "test_a_body_that_no_broker_should_take_is_given_up_and_never_fetched",
    ),
    Protection(
        "messages",
        "direct replies that get no connection let others go first",
        "src/consumers/result_relay.py",
        "                case PublishResult.NOT_TRIED if message.is_direct_reply:",
        "                case PublishResult.NOT_TRIED if False:",
        "test_while_direct_replies_get_no_connection_those_to_queues_behind_them_go_out",
    ),
    Protection(
        "messages",
        "what can't be encoded is not begun",
        "src/services/broker/publisher.py",
        "        return PublishResult.UNSENDABLE",
        "        pass",
        "test_what_can_be_seen_to_be_unsendable_is_given_up_at_once_and_breaks_nothing",
    ),
    Protection(
        "requests",
        "of a body that is too long only the beginning is kept",
        "src/services/broker/consumer.py",
        "        body, cut_from = kept(body)",
        "        cut_from = None",
        "test_forty_bodies_of_sixteen_megabytes_cost_little_memory_and_leave_64_kib_each",
    ),
    Protection(
        "requests",
        "a reply goes to no queue that the requester should not reach",
        "src/consumers/delivered_request.py",
        "        faults = [fault] if (fault := self._reply_fault(delivery)) else []",
        "        faults: list[str] = []",
        "test_the_worker_writes_into_no_queue_that_the_requester_should_not_reach",
    ),
    Protection(
        "files",
        "only regular files are read",
        "src/regular_files.py",
        "if not stat.S_ISREG(os.fstat(descriptor).st_mode):",
        "if False:",
        "test_nothing_else_is_read_and_nothing_blocks",
    ),
    Protection(
        "files",
        "no link in place of a folder is followed",
        "src/services/folders.py",
        "os.O_DIRECTORY | os.O_NOFOLLOW",
        "os.O_DIRECTORY",
        "test_a_folder_that_becomes_a_link_while_others_are_read_is_not_followed",
    ),
    Protection(
        "files",
        "requests are not kept where another user can read them",
        "src/services/folders.py",
        "if status.st_uid != os.geteuid():",
        "if False:",
        "test_the_folder_of_another_user_is_refused_with_what_to_do",
    ),
    Protection(
        "files",
        "where the files lie follows from the course",
        "src/services/files/mirror.py",
        'long if Path(course.output_path or "").name == long else short',
        'Path(course.output_path or "").name',
        "test_wherever_a_row_says_the_folder_is_nothing_is_written_outside_or_over_anothers",
    ),
    Protection(
        "output",
        "what commands print holds no secrets",
        "src/operations/terminal.py",
        "shown(redact(line))",
        "shown(line)",
        "test_a_server_that_repeats_the_key_in_its_error_has_nothing_shown",
    ),
    Protection(
        "output",
        "what commands print steers no terminal",
        "src/operations/terminal.py",
        "shown(redact(line))",
        "redact(line)",
        "test_a_database_with_names_that_steer_a_terminal_is_refused_without_harm",
    ),
    Protection(
        "twin",
        "only who knows the token beats",
        "src/services/database/sql/beat.sql",
        "WHERE w.token IS NULL OR w.token = ANY (CAST(:tokens AS uuid[]))",
        "WHERE w.token IS NULL OR TRUE OR w.token = ANY (CAST(:tokens AS uuid[]))",
        "test_the_one_that_beats_second_is_told_and_gets_no_course",
    ),
    Protection(
        "twin",
        "only who knows the token claims",
        "src/services/database/sql/claim_courses.sql",
        "w.id = :worker_id AND w.token = ANY (CAST(:tokens AS uuid[])))",
        "w.id = :worker_id OR w.token = ANY (CAST(:tokens AS uuid[])))",
        "test_the_one_that_beats_second_is_told_and_gets_no_course",
    ),
    Protection(
        "twin",
        "nothing is adopted that a copy may have claimed since the last beat",
        "src/services/database/sql/adopt_courses.sql",
        "q.leased_at <= w.last_seen_at OR",
        "q.leased_at <= now() OR",
        "test_what_both_hold_when_they_part_is_adopted_by_one_of_them_alone",
    ),
    Protection(
        "twin",
        "what was claimed a moment ago by another's clock is not from a clock that was ahead",
        "src/services/database/sql/adopt_courses.sql",
        "q.leased_at > now() + interval '1 minute'",
        "q.leased_at > now()",
        "test_what_a_copy_claims_while_the_other_looks_for_courses_is_not_adopted",
    ),
    Protection(
        "requests",
        "no text of a course is longer than 64 KiB",
        "migrations/sql/0012_hostile_hands.sql",
        "CHECK (\n            greatest(octet_length(topic),",
        "CHECK (\n            greatest(",
        "test_it_is_harmless_or_checked",
    ),
    Protection(
        "ports",
        "no other account can listen on the broker's port while that is away",
        "src/devtools/local_service.py",
        "option = socket.SO_REUSEPORT if against_others and is_linux else socket.SO_REUSEADDR",
        "option = socket.SO_REUSEADDR",
        "test_while_services_are_away_a_stranger_is_told_no_password_by_the_worker",
    ),
    Protection(
        "ports",
        "the database is told no password",
        "src/devtools/local_postgres.py",
        '{"PGREQUIREAUTH": _SCRAM}',
        '{"PGREQUIREAUTH": "!none"}',
        "test_while_services_are_away_a_stranger_is_told_no_password_by_the_worker",
    ),
    Protection(
        "ports",
        "the broker's password is a new one at each start",
        "src/devtools/local_rabbitmq.py",
        "        self.port = self._own.number\n        self.password = secrets.token_hex(16)\n",
        "        self.port = self._own.number\n",
        "test_ports_that_a_stranger_took_before_the_start_are_given_up_and_the_brokers_password_with_them",
    ),
    Protection(
        "ports",
        "nobody logs in before it is known whose server listens",
        "src/devtools/local_rabbitmq.py",
        "    if listens(port):\n",
        "    if True:\n",
        "test_a_stranger_who_listens_instead_of_the_container_is_told_no_password",
    ),
    Protection(
        "local",
        "a lock that others can hold keeps no server from its start",
        "src/devtools/local_postgres.py",
        "with FileLock(_LOCK, mode=0o600):",
        'with (self.bin / "postgres").open("rb") as lock, contextlib.nullcontext(__import__("fcntl").flock(lock, 2)):',
        "test_locks_on_whatever_a_stranger_can_open_keep_no_server_from_its_start",
    ),
    Protection(
        "local",
        "the number of a server's process is read from a regular file alone",
        "src/devtools/local_postgres.py",
        'read_file(self.data / "postmaster.pid", most_bytes=4096)',
        '(self.data / "postmaster.pid").read_bytes()',
        "test_a_fifo_that_the_servers_account_put_in_place_of_its_number_keeps_nobody_waiting",
    ),
    Protection(
        "local",
        "programs are copied to where nobody has planted anything",
        "src/devtools/local_postgres.py",
        'Path(tempfile.mkdtemp(prefix="programs-", dir=self._home))\n        for part in _PARTS:\n'
        "            shutil.copytree(self.bin.parents[2] / part, copy / part)",
        'self._home / "programs"\n        for part in _PARTS:\n'
        "            shutil.copytree(self.bin.parents[2] / part, copy / part, dirs_exist_ok=True)",
        "test_the_servers_account_can_neither_change_its_programs_nor_have_root_follow_its_links",
    ),
    Protection(
        "tls",
        "a server that can't prove itself is no outage",
        "src/services/database/connection.py",
        " and not _is_about_tls(error)",
        "",
        "test_a_database_that_can_not_prove_itself_or_takes_no_stranger_is_no_outage",
    ),
    Protection(
        "server",
        "mending changes no word",
        "src/services/model/object_in_text.py",
        '!= _letters("".join(_said(value))):',
        "is None:",
        "test_where_words_would_be_lost_or_moved_nothing_is_guessed",
    ),
    Protection(
        "server",
        "an object that isn't closed needs all of its fields, the last with its end",
        "src/services/model/object_in_text.py",
        """return has_all and text.endswith(("}", "]")) and _end_of_object(text + "}", 0) is not None""",
        "return True",
        "test_an_answer_that_breaks_off_is_never_taken_for_a_whole_one",
    ),
    Protection(
        "server",
        "a stream that breaks off is no answer",
        "src/services/model/completion.py",
        "if self._is_broken or self._data or not (self._done or self._finish_reason):",
        "if False:",
        "test_a_stream_that_breaks_off_is_no_answer",
    ),
    Protection(
        "server",
        "passages give way to a small context",
        "src/services/model/chat_request.py",
        "for passages in range(most, fewest - 1, -1):",
        "for passages in (most,):",
        "test_those_that_fit_the_lesson_least_are_left_out_and_it_fits",
    ),
    Protection(
        "server",
        "small things alone are not paid for twice",
        "src/domain/quality/repair_choice.py",
        "weight(kinds.values()) >= self.enough",
        "True",
        "test_what_does_not_weigh_enough_is_kept_on_record_and_not_paid_for_again",
    ),
    Protection(
        "server",
        "a stop holds for all workers of a server",
        "src/services/database/course_store.py",
        "stop, room, only = stop_of(connection, self._server), ",
        "stop, room, only = None, ",
        "test_no_worker_claims_and_all_know_why",
    ),
    Protection(
        "server",
        "who began a stop that was lifted is watched",
        "src/services/database/sql/lift_stop.sql",
        "THEN 'own' END",
        "THEN 'open' END",
        "test_lifts_the_stop_and_all_others_go_on_but_the_first_is_watched",
    ),
    Protection(
        "server",
        "an error that nobody knows fails nobody at first",
        "src/services/course_generator.py",
        "        case ModelFaultUnknown():\n",
        "        case ModelFaultUnknown():\n            return Failed(error.code, 'x')\n        case KeyError():\n",
        "test_a_backlog_survives_a_server_that and nobody",
    ),
    Protection(
        "server",
        "this machine is not behind a proxy",
        "src/services/model/recording.py",
        "trust_env=not address.is_local",
        "trust_env=True",
        "test_this_machine_is_never_reached_by_way_of_a_proxy",
    ),
    Protection(
        "server",
        "limits belong to a transaction",
        "src/services/database/connection.py",
        """f"SET LOCAL {name} = '{value}'\"""",
        """f"SET {name} = '{value}'\"""",
        "test_limits_and_search_path_are_in_force_and_stay_with_their_transaction",
    ),
    Protection(
        "server",
        "limits and search_path are read back",
        "src/services/database/server_check.py",
        "if value != settings[name]]",
        "if False]",
        "test_what_is_set_and_not_in_force_is_an_obstacle",
    ),
    Protection(
        "server",
        "an encoding other than UTF8 is told before anything else is",
        "src/services/database/server_check.py",
        'if facts.encoding != "UTF8":',
        "if False:",
        "test_a_database_of_another_encoding_is_told_by_everything",
    ),
    Protection(
        "server",
        "what only reads is told",
        "src/services/database/server_check.py",
        "if not facts.is_read_only:",
        "if True:",
        "test_a_role_that_may_only_read_is_told_so_by_everything",
    ),
    Protection(
        "server",
        "a session that began before the fault was put right is given up",
        "src/services/database/schema_check.py",
        "        database.reconnect()\n",
        "",
        "test_one_that_may_only_read_is_told_by_what_and_works_when_that_is_done",
    ),
    Protection(
        "server",
        "a connection that is not answered is broken off",
        "src/services/database/silence.py",
        "                    _break(connection)\n",
        "",
        "test_an_answer_that_never_comes_breaks_the_connection_and_is_transient",
    ),
    Protection(
        "server",
        "texts go in UTF-8, whatever the environment says",
        "src/services/database/connection.py",
        ', "client_encoding": "utf8"}',
        "}",
        "test_an_encoding_of_the_environment_or_the_role_changes_nothing",
    ),
    Protection(
        "server",
        "a body that is no request is named",
        "src/domain/request.py",
        "if seems := seeming(body, header_names, cls.model_fields):",
        "if seems := None:",
        "test_an_envelope_is_told_by_the_name_of_its_framework",
    ),
    Protection(
        "quality",
        "a citation with another unit is not shown",
        "src/domain/quality/verification.py",
        "if facts := wrong_units(sentence, quotes, texts, work.language):",
        "if facts := ():",
        "test_a_number_in_another_unit",
    ),
    Protection(
        "quality",
        "a sentence that denies its quotation is not shown as cited",
        "src/domain/quality/verification.py",
        "(clause := denied(sentence, quotes, work.language))",
        "(clause := None)",
        "test_another_unit_and_the_contrary_are_not",
    ),
    Protection(
        "quality",
        "a number in place of another one is not shown as cited",
        "src/domain/quality/claimed_numbers.py",
        "            wrong.append(number)\n",
        "            pass\n",
        "test_another_number_or_name",
    ),
    Protection(
        "quality",
        "a key is refuted by the evidence itself, whatever the explanation says",
        "src/domain/quality/choice_keys.py",
        "    if (unit := _other_unit(asked)) is not None:\n",
        "    if (unit := None) is not None:\n",
        "test_a_unit_that_the_evidence_does_not_name_is_refuted_whatever_the_explanation_says",
    ),
    Protection(
        "quality",
        "what is not about the question proves no key",
        "src/domain/quality/answer_keys.py",
        "and not asked.is_about_the_question(is_proven):",
        "and False:",
        "test_a_question_of_another_lesson_is_noticed_and_not_valid",
    ),
    Protection(
        "quality",
        "what is cut off gets no full stop",
        "src/domain/quality/mending.py",
        "        return len(last) == SAME_END and last in self.ends\n",
        "        return True\n",
        "test_what_may_be_cut_off_or_meant_stays",
    ),
)


def failure_without(protection: Protection) -> str | None:
    """Returns how the test fails without the protection; None if it passes.

    Raises `LookupError` if the code is not there once, or the test can't be run.
    """
    with tempfile.TemporaryDirectory(prefix="course-generator-protections-") as name:
        copy = Path(name)
        for file in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines():
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, copy / file)
        target = copy / protection.file
        text = target.read_text(encoding="utf-8")
        if text.count(protection.code) != 1:
            raise LookupError(f"{protection.file} has not once: {protection.code}")
        target.write_text(text.replace(protection.code, protection.instead), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "long or not long", "-k", protection.test, "tests"]
        environment = {**os.environ, "TEST_PATIENCE": str(_PATIENCE)}
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=_LONGEST)
        if done.returncode == 0:
            return None
        # A fixture that fails, such as a broker that doesn't start, is an ERROR and says nothing of the protection.
        failed = re.search(r"^FAILED (.+)$", done.stdout, re.MULTILINE)
        if done.returncode != 1 or failed is None:
            raise LookupError(f"the test could not be run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        reason = re.search(r"^E +(.+)$", done.stdout, re.MULTILINE)  # a test that fails in several ways has none
        return (reason or failed)[1]


def main() -> int:
    """Tries the protections that the command line names, or all, and returns the exit code."""
    wanted = sys.argv[1:]
    kept = True
    for protection in PROTECTIONS:
        if wanted and protection.fault not in wanted:
            continue
        try:
            failure = failure_without(protection)
        except (LookupError, subprocess.TimeoutExpired) as error:
            verdict, failure = "NOT TRIED", str(error)
        else:
            verdict = "PASSES WITHOUT IT" if failure is None else "fails without it"
        kept &= verdict == "fails without it"
        print(f"{protection.fault:>3}  {verdict}: {protection.what}\n     {(failure or '')[:150]}", flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
