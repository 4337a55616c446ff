{{ config(
    materialized='view',
    enabled=account_mapping.uses_crm('hubspot'),
) }}


with

deals as (

    select * from {{ ref('stg_account_mapping__hubspot_deals') }}

),

deal_companies as (

    select * from {{ ref('stg_account_mapping__hubspot_deal_companies') }}

),

stages as (

    select * from {{ ref('int_account_mapping__hubspot_stages') }}

),

ranked_deals as (

    {{ account_mapping.ranked_records('deals', ['source_relation', 'source_opportunity_id'], [
        'primary_source_account_ids', 'source_account_ids', 'pipeline_id', 'stage', 'raw_amount', 'currency',
        'is_closed', 'is_won', 'close_date', 'created_date', 'merged_source_opportunity_ids', 'deal_name',
        'probability', 'owner',
    ]) | indent(4) }}

),

latest_deals as (

    select * from ranked_deals
    where version_rank = 1

),

ranked_pairs as (

    {{ account_mapping.ranked_records('deal_companies', [
        'source_relation', 'source_opportunity_id', 'source_account_id', 'association_category', 'association_type_id',
    ], ['is_primary']) | indent(4) }}

),

primary_companies as (

    {{ account_mapping.explode_items(
        'latest_deals', 'primary_source_account_ids', keep=['source_relation', 'source_opportunity_id']
    ) }}

),

listed_companies as (

    {{ account_mapping.explode_items(
        'latest_deals', 'source_account_ids', keep=['source_relation', 'source_opportunity_id']
    ) }}

),

associations as (

    -- a column of primary companies comes first, then HubSpot's own primary association; the list inside a deal is in
    -- HubSpot's order; the table of pairs has none, so that its least company id stands for the first listed
    select
        source_relation,
        source_opportunity_id,
        {{ account_mapping.listed_company('item') }} as source_account_id,
        1 as preference,
        position as list_order

    from primary_companies

    union all

    select
        source_relation,
        source_opportunity_id,
        {{ account_mapping.listed_company('item') }} as source_account_id,
        case when {{ account_mapping.is_primary_association('item') }} then 2 else 3 end as preference,
        position as list_order

    from listed_companies

    union all

    select
        source_relation,
        source_opportunity_id,
        source_account_id,
        case when is_primary then 2 else 3 end as preference,
        {{ dbt.safe_cast('source_account_id', 'bigint') }} as list_order

    from ranked_pairs
    where record_state = 'current'

),

identified_associations as (

    select
        source_relation,
        source_opportunity_id,
        {{ account_mapping.clean_id('source_account_id') }} as source_account_id,
        preference,
        list_order

    from associations

),

ranked_associations as (

    select
        source_relation,
        source_opportunity_id,
        source_account_id,
        row_number() over (
            partition by source_relation, source_opportunity_id
            order by preference, list_order nulls last, source_account_id
        ) as row_rank

    from identified_associations
    where source_account_id is not null

),

-- a stage's id is its own only within its pipeline
stages_by_id as (

    select
        source_relation,
        stage_id,
        min(pipeline_id) as pipeline_id,
        count(*) as pipelines

    from stages
    group by source_relation, stage_id

),

staged as (

    select
        ranked_deals.*,
        {{ account_mapping.matches_pattern('ranked_deals.owner', '^[0-9]+$') }} as owner_is_id,
        ranked_deals.owner like '%_@_%' as owner_is_email,
        coalesce(own_stages.label, only_stages.label) as stage_label,
        coalesce(own_stages.is_closed, only_stages.is_closed) as stage_is_closed,
        coalesce(own_stages.is_won, only_stages.is_won) as stage_is_won,
        coalesce(own_stages.probability, only_stages.probability) as stage_probability,
        own_stages.stage_id is null and coalesce(stages_by_id.pipelines > 1, false) as is_ambiguous_stage,
        ranked_deals.stage is not null
        and stages_by_id.stage_id is null
        and ranked_deals.source_relation in (select stages.source_relation from stages) as is_unknown_stage,
        {{ account_mapping.stage_outcome('coalesce(own_stages.label, only_stages.label, ranked_deals.stage)') }}
            as stage_outcome

    from ranked_deals
    left join stages as own_stages
        on
            ranked_deals.source_relation = own_stages.source_relation
            and ranked_deals.stage = own_stages.stage_id
            and ranked_deals.pipeline_id = own_stages.pipeline_id
    left join stages_by_id
        on
            ranked_deals.source_relation = stages_by_id.source_relation
            and ranked_deals.stage = stages_by_id.stage_id
    left join stages as only_stages
        on
            stages_by_id.source_relation = only_stages.source_relation
            and stages_by_id.stage_id = only_stages.stage_id
            and stages_by_id.pipeline_id is not distinct from only_stages.pipeline_id
            and stages_by_id.pipelines = 1

),

final as (

    select
        staged.source_relation,
        staged.source_table,
        staged.source_opportunity_id,
        ranked_associations.source_account_id,
        staged.merged_source_opportunity_ids,
        case when staged.owner_is_id then staged.owner end as owner_id,
        case when not (staged.owner_is_id or staged.owner_is_email) then staged.owner end as owner_name,
        case when staged.owner_is_email then staged.owner end as owner_email,
        staged.deal_name,
        -- what the CRM calls it; an id that no table of stages explains is no name, but better than none
        coalesce(staged.stage_label, staged.stage) as stage,
        coalesce(
            staged.probability, {{ account_mapping.win_probability('staged.stage_probability', 1) }}
        ) as probability,
        staged.raw_amount,
        staged.amount,
        staged.currency,
        coalesce(
            staged.is_closed,
            staged.stage_is_closed,
            case when staged.is_won or staged.stage_is_won or staged.stage_outcome in ('won', 'lost') then true end
        ) as is_closed,
        coalesce(
            staged.is_won,
            staged.stage_is_won,
            case staged.stage_outcome
                when 'won' then true
                when 'lost' then false
            end
        ) as is_won,
        staged.close_date,
        staged.created_date,
        staged.updated_at,
        staged.extracted_at,
        staged.is_deleted,
        staged.is_current_version,
        staged.row_problem,
        -- a deal that says itself whether it is closed and won needs no stage
        nullif(coalesce(staged.notes, '') || case
            when staged.is_closed is not null and staged.is_won is not null then ''
            when staged.is_ambiguous_stage then 'ambiguous_stage|stage|' || staged.stage || chr(31)
            when staged.is_unknown_stage and staged.stage_outcome is null
                then 'unknown_stage|stage|' || staged.stage || chr(31)
            else ''
        end, '') as notes

    from staged
    left join ranked_associations
        on
            staged.source_relation = ranked_associations.source_relation
            and staged.source_opportunity_id = ranked_associations.source_opportunity_id
            and ranked_associations.row_rank = 1
            and staged.version_rank = 1

)

select * from final
