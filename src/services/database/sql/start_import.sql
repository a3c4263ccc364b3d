-- The trigger takes the queue row away: this course is written already.
UPDATE courses SET status = 'GENERATING', attempts = :attempts WHERE id = :course_id
