{{ config(materialized='view') }}

select
    file_name as input,
    partner_id as source_relation,
    file_name as relation_name,
    'file' as kind,
    columns_read,
    columns_unread,
    n_rows as rows_read
from {{ ref('stg_account_mapping__partner_files') }}
where kind = 'file'
