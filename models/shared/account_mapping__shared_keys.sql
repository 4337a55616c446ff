-- sorted by the hash, so that the order of rows tells nothing
select * from {{ ref('int_account_mapping__keys_to_share') }}
order by partner_id, key_type, token, account_token
