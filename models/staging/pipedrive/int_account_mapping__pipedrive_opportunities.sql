{{ config(
    materialized='view',
    enabled=account_mapping.uses_crm('pipedrive'),
) }}

with

deals as (

    select * from {{ ref('stg_account_mapping__pipedrive_deals') }}

),

stages as (

    select * from {{ ref('stg_account_mapping__pipedrive_stages') }}

),

ranked_stages as (

    {{ account_mapping.ranked_records(
        'stages', ['source_relation', 'stage_id'], ['label', 'probability']
    ) | indent(4) }}

),

-- a stage that was deleted still says what its deals are
latest_stages as (

    select * from ranked_stages
    where version_rank = 1

),

final as (

    select
        deals.source_relation,
        deals.source_table,
        deals.source_opportunity_id,
        deals.source_account_id,
        deals.merged_source_opportunity_ids,
        deals.owner_id,
        deals.owner_name,
        deals.owner_email,
        deals.deal_name,
        coalesce(deals.stage, latest_stages.label, deals.stage_id) as stage,
        coalesce(deals.probability, latest_stages.probability) as probability,
        deals.raw_amount,
        deals.amount,
        deals.currency,
        deals.is_closed,
        deals.is_won,
        deals.close_date,
        deals.created_date,
        deals.updated_at,
        deals.extracted_at,
        deals.is_deleted,
        deals.is_current_version,
        deals.row_problem,
        deals.notes

    from deals
    left join latest_stages
        on
            deals.source_relation = latest_stages.source_relation
            and deals.stage_id = latest_stages.stage_id

)

select * from final
