INSERT INTO public.outbox (destination, routing_key, order_key, message_id, correlation_id, type, headers, body)
VALUES (:destination, :routing_key, :order_key, :message_id, :correlation_id, :type, CAST(:headers AS jsonb), :body)
