with

{{ account_mapping.key_rows_offered(blinded=false) }}

-- sorted by the hash, so that the order of rows tells nothing
select * from final
order by partner_id, key_type, token, account_token
