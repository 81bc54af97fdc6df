-- The functions of pgcrypto that PostgreSQL's own functions can stand for; no ciphers, no crypt() and no SHA-1.
CREATE FUNCTION gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE AS $$ SELECT pg_catalog.gen_random_uuid() $$;
-- Of a random UUID 122 bits are random: its SHA-256 has no fixed ones.
CREATE FUNCTION gen_random_bytes(count integer) RETURNS bytea LANGUAGE sql VOLATILE STRICT AS $$
  SELECT coalesce(substring(string_agg(sha256(uuid_send(pg_catalog.gen_random_uuid())), ''::bytea) FROM 1 FOR count), '')
  FROM generate_series(1, (count + 31) / 32)
$$;
CREATE FUNCTION digest(data bytea, kind text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  CASE lower(kind)
    WHEN 'md5' THEN RETURN decode(md5(data), 'hex');
    WHEN 'sha224' THEN RETURN sha224(data);
    WHEN 'sha256' THEN RETURN sha256(data);
    WHEN 'sha384' THEN RETURN sha384(data);
    WHEN 'sha512' THEN RETURN sha512(data);
    ELSE RAISE 'digest() of the kind "%" is not reproduced; expected md5, sha224, sha256, sha384 or sha512', kind;
  END CASE;
END $$;
CREATE FUNCTION digest(data text, kind text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT @extschema@.digest(convert_to(data, 'UTF8'), kind)
$$;
