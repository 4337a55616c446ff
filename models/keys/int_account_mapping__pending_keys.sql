{{ config(materialized='view') }}

{{ account_mapping.keys_of('int_account_mapping__account_sharing', "sharing_state = 'if_accepted'") }}
