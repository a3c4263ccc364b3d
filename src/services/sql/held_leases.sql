SELECT lease_id FROM generation_queue WHERE lease_owner = :worker_id
