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

    select
        side,
        scope,
        'parent' as rollup,
        unit_id,
        min(status_rank) as status_rank,
        cast(sum(open_amount) as decimal(28, 2)) as open_amount

    from members
    group by side, scope, unit_id

)

select * from final
