{{ config(
    materialized='view',
    enabled='salesforce' in var('account_mapping__crms', []),
) }}

with

opportunities as (

    select * from {{ ref('stg_account_mapping__salesforce_opportunities') }}

),

final as (

    -- reports may come without the flags; Salesforce's own stage names then tell
    select
        source_opportunity_id,
        source_account_id,
        raw_amount,
        amount,
        currency,
        coalesce(
            is_closed,
            case
                when lower(stage) in ('closed won', 'closed lost') then true
            end
        ) as is_closed,
        coalesce(
            is_won,
            case
                when lower(stage) = 'closed won' then true
                when lower(stage) = 'closed lost' then false
            end
        ) as is_won,
        close_date,
        created_date,
        is_deleted,
        is_current_version

    from opportunities

)

select * from final
