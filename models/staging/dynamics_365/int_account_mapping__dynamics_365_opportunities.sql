{{ config(
    materialized='view',
    enabled='dynamics_365' in var('account_mapping__crms', []),
) }}

with

opportunities as (

    select * from {{ ref('stg_account_mapping__dynamics_365_opportunities') }}

),

labels as (

    select * from {{ ref('int_account_mapping__dynamics_365_labels') }}

),

labelled as (

    -- a code without a label stays unknown: an open opportunity, by the rule
    select
        opportunities.*,
        lower(coalesce(labels.label, opportunities.state)) as state_label

    from opportunities
    left join labels
        on
            opportunities.state = labels.code
            and labels.table_name = 'opportunity'
            and labels.column_name = 'statecode'

),

final as (

    select
        source_opportunity_id,
        source_account_id,
        raw_amount,
        amount,
        currency,
        case
            when state_label in ('won', 'lost') then true
            when state_label = 'open' then false
        end as is_closed,
        case
            when state_label = 'won' then true
            when state_label in ('lost', 'open') then false
        end as is_won,
        close_date,
        created_date,
        is_deleted,
        is_current_version

    from labelled

)

select * from final
