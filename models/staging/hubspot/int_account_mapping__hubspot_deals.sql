{{ config(
    materialized='view',
    enabled='hubspot' in var('account_mapping__crms', []),
) }}

with

deals as (

    select * from {{ ref('stg_account_mapping__hubspot_deals') }}

),

deal_companies as (

    select * from {{ ref('stg_account_mapping__hubspot_deal_companies') }}

),

stages as (

    select * from {{ ref('stg_account_mapping__hubspot_deal_pipeline_stages') }}

),

listed_companies as (

    {{ account_mapping.explode_items('deals', 'source_account_ids', keep=['source_opportunity_id']) }}

),

associations as (

    -- the list inside a deal is in HubSpot's order; the table of pairs has none, so
    -- that its least company id stands for the first listed
    select
        source_opportunity_id,
        {{ account_mapping.clean_id(
            account_mapping.object_field('item', ['id', 'toObjectId', 'company_id'], otherwise_itself=true)
        ) }}
            as source_account_id,
        coalesce({{ account_mapping.object_field('item', ['type_id', 'typeId']) }} = '5', false) as is_primary,
        position as list_order

    from listed_companies

    union all

    select
        source_opportunity_id,
        source_account_id,
        is_primary,
        {{ dbt.safe_cast('source_account_id', 'bigint') }} as list_order

    from deal_companies
    where is_current_version and not is_deleted

),

ranked_associations as (

    select
        source_opportunity_id,
        source_account_id,
        row_number() over (
            partition by source_opportunity_id
            order by is_primary desc, list_order nulls last, source_account_id
        ) as row_rank

    from associations
    where source_account_id is not null

),

ranked_stages as (

    select
        stage_id,
        label,
        coalesce(is_won, probability = 1 and is_closed) as is_won,
        is_closed,
        row_number() over (
            partition by stage_id
            order by is_deleted, pipeline_id
        ) as row_rank

    from stages
    where is_current_version

),

staged as (

    select
        deals.*,
        ranked_stages.is_closed as stage_is_closed,
        ranked_stages.is_won as stage_is_won,
        -- exports write `Closed won (Sales Pipeline)`, HubSpot itself `closedwon`
        {{ account_mapping.letters_only('coalesce(ranked_stages.label, deals.stage)') }} as stage_word

    from deals
    left join ranked_stages
        on
            deals.stage = ranked_stages.stage_id
            and ranked_stages.row_rank = 1

),

final as (

    select
        staged.source_opportunity_id,
        ranked_associations.source_account_id,
        staged.raw_amount,
        staged.amount,
        staged.currency,
        coalesce(
            staged.is_closed,
            staged.stage_is_closed,
            case
                when staged.is_won or staged.stage_is_won then true
                when staged.stage_word in ('closedwon', 'won', 'closedlost', 'lost')
                    then true
            end
        ) as is_closed,
        coalesce(
            staged.is_won,
            staged.stage_is_won,
            case
                when staged.stage_word in ('closedwon', 'won') then true
                when staged.stage_word in ('closedlost', 'lost') then false
            end
        ) as is_won,
        staged.close_date,
        staged.created_date,
        staged.is_deleted,
        staged.is_current_version

    from staged
    left join ranked_associations
        on
            staged.source_opportunity_id = ranked_associations.source_opportunity_id
            and ranked_associations.row_rank = 1

)

select * from final
