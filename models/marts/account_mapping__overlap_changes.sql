{{ config(materialized='view', enabled=var('account_mapping__history')) }}
select * from {{ ref('int_account_mapping__overlap_changes') }}
