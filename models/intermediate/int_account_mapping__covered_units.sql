{{ config(materialized='view') }}
with

company_links as (

    select * from {{ ref('int_account_mapping__company_links') }}

),

final as (

    select
        partner_id,
        rollup,
        account_scope,
        our_unit_id as unit_id,
        our_status_rank as status_rank,
        our_open_amount as open_amount,
        is_lone

    from company_links
    where is_lone

    union all

    select distinct
        partner_id,
        rollup,
        account_scope,
        our_unit_id as unit_id,
        our_status_rank as status_rank,
        our_open_amount as open_amount,
        is_lone

    from company_links
    where not is_lone

)

select * from final
