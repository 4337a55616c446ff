with

partner_order as (

    select * from {{ ref('int_account_mapping__partner_order') }}

),

cumulated as (

    select
        *,
        sum(added_accounts) over (
            partition by rollup, target_list, status_rank
            order by rank
            rows between unbounded preceding and current row
        ) as cumulative_accounts,
        sum(added_amount) over (
            partition by rollup, target_list, status_rank
            order by rank
            rows between unbounded preceding and current row
        ) as cumulative_amount,
        sum(added_accounts) over (partition by rollup, target_list, status_rank) as limit_accounts,
        sum(added_amount) over (partition by rollup, target_list, status_rank) as limit_amount

    from partner_order

),

final as (

    select
        rollup,
        target_list,
        coalesce({{ account_mapping.status_of_rank('status_rank') }}, 'all') as our_status,
        cast(rank as bigint) as rank,
        partner_id,
        cast(our_accounts as bigint) as our_accounts,
        cast(added_accounts as bigint) as added_accounts,
        cast(cumulative_accounts as bigint) as cumulative_accounts,
        cast({{ account_mapping.share('cumulative_accounts', 'our_accounts') }} as double) as cumulative_rate,
        cast(limit_accounts as bigint) as limit_accounts,
        cast({{ account_mapping.share('limit_accounts', 'our_accounts') }} as double) as limit_rate,
        cast(our_amount as decimal(28, 2)) as open_pipeline_amount,
        cast(added_amount as decimal(28, 2)) as added_open_pipeline_amount,
        cast(cumulative_amount as decimal(28, 2)) as cumulative_open_pipeline_amount,
        cast(
            {{ account_mapping.share('cumulative_amount', 'our_amount', input_decimals=2) }} as double
        ) as cumulative_pipeline_rate,
        cast(limit_amount as decimal(28, 2)) as limit_open_pipeline_amount,
        cast(
            {{ account_mapping.share('limit_amount', 'our_amount', input_decimals=2) }} as double
        ) as limit_pipeline_rate

    from cumulated

)

select * from final
