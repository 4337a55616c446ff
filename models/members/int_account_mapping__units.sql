{{ config(materialized='view') }}
with

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

final as (

    select
        side,
        scope,
        'account' as rollup,
        account_id as unit_id,
        status_rank,
        open_amount

    from members

    union all

    -- the top of a family stands for it
    select
        side,
        scope,
        'parent' as rollup,
        unit_id,
        unit_status_rank as status_rank,
        unit_open_amount as open_amount

    from members
    where account_id = unit_id

)

select * from final
