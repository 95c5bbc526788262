-- Rows that lie in this shard of people who are at home in another, by that shard.
FROM known($as_of, $known_at, $position, $shard)
WHERE home <> $shard
ORDER BY home, position, line
