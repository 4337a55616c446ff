with

opportunities as (

    select * from {{ ref('int_account_mapping__opportunities') }}
    where account_id is not null

),

ranked as (

    select
        *,
        row_number() over (
            partition by account_id
            order by
                case when is_open then 0 else 1 end,
                stage_rank desc nulls last,
                probability desc nulls last,
                converted_amount desc nulls last,
                close_date nulls last,
                source_relation,
                source_opportunity_id
        ) as progress_rank

    from opportunities

),

final as (

    -- a day in the future is when a deal is thought to close, and no win yet
    select
        account_id,
        max(case when is_open and progress_rank = 1 then stage end) as deal_stage,
        max(case when is_open and progress_rank = 1 then close_date end) as deal_close_date,
        count(case when is_open then 1 end) as open_deals,
        min(case when is_won and close_date <= {{ account_mapping.as_of() }} then close_date end) as first_won_on,
        max(case when is_won and close_date <= {{ account_mapping.as_of() }} then close_date end) as last_won_on

    from ranked
    group by account_id

)

select * from final
