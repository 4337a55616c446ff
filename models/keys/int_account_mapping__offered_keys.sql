{{ config(materialized='view') }}

{{ account_mapping.keys_of('int_account_mapping__offered_accounts') }}
