-- name_key() is keyOf in tx.go: what the program calls a name by.
CREATE FUNCTION name_key(VARIADIC parts text[]) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
	SELECT encode(substring(sha256(convert_to(string_agg(octet_length(p) || ':' || p, '' ORDER BY n), 'UTF8')) FOR 16), 'hex')::uuid
	FROM unnest(parts) WITH ORDINALITY x(p, n)
$$;
