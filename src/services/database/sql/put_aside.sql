INSERT INTO public.requests_set_aside (user_id, delivery_id, body, message_id, correlation_id, reply_to, priority,
                                       redelivered, run_after)
VALUES (:user_id, :delivery_id, :body, :message_id, :correlation_id, :reply_to, :priority, :redelivered,
        now() + make_interval(secs => :delay))
