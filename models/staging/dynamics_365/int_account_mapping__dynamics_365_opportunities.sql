{{ config(
    materialized='view',
    enabled=account_mapping.uses_crm('dynamics_365'),
) }}
{%- set reporting_currency = var('account_mapping__currency') | upper %}

with

opportunities as (

    select * from {{ ref('stg_account_mapping__dynamics_365_opportunities') }}

),

state_labels as (

    select * from {{ ref('int_account_mapping__dynamics_365_labels') }}
    where
        table_name = 'opportunity'
        and column_name = 'statecode'

),

stage_labels as (

    select * from {{ ref('int_account_mapping__dynamics_365_labels') }}
    where
        table_name = 'opportunity'
        and column_name in ('salesstage', 'salesstagecode')

),

-- of both columns the one that Dynamics shows
stages_by_code as (

    select
        source_relation,
        code,
        min(label) as label

    from stage_labels
    where column_name = 'salesstage'
    group by source_relation, code

),

older_stages_by_code as (

    select
        source_relation,
        code,
        min(label) as label

    from stage_labels
    where column_name = 'salesstagecode'
    group by source_relation, code

),

currencies as (

    select * from {{ ref('int_account_mapping__dynamics_365_currencies') }}

),

currency_rates as (

    select * from {{ ref('stg_account_mapping__settings_currency_rates') }}

),

-- a state that comes as a word of some language is found by its label
codes_by_label as (

    select
        source_relation,
        lower(label) as label_key,
        min(code) as code

    from state_labels
    group by source_relation, lower(label)
    having count(*) = 1

),

coded as (

    -- 0, 1 and 2 are the states of Dynamics itself, in every language
    select
        opportunities.*,
        case
            when opportunities.state in ('0', '1', '2') then opportunities.state
            when lower(coalesce(state_labels.label, opportunities.state)) = 'open' then '0'
            when lower(coalesce(state_labels.label, opportunities.state)) = 'won' then '1'
            when lower(coalesce(state_labels.label, opportunities.state)) = 'lost' then '2'
            when codes_by_label.code in ('0', '1', '2') then codes_by_label.code
        end as state_code,
        coalesce(
            opportunities.stage, stages_by_code.label, older_stages_by_code.label, opportunities.stage_code
        ) as stage_name,
        coalesce(opportunities.currency, currencies.currency, opportunities.currency_id) as own_currency,
        currencies.base_currency

    from opportunities
    left join state_labels
        on
            opportunities.source_relation = state_labels.source_relation
            and opportunities.state = state_labels.code
    left join codes_by_label
        on
            opportunities.source_relation = codes_by_label.source_relation
            and lower(opportunities.state) = codes_by_label.label_key
    left join stages_by_code
        on
            opportunities.source_relation = stages_by_code.source_relation
            and opportunities.stage_code = stages_by_code.code
    left join older_stages_by_code
        on
            opportunities.source_relation = older_stages_by_code.source_relation
            and opportunities.stage_code = older_stages_by_code.code
    left join currencies
        on
            opportunities.source_relation = currencies.source_relation
            and opportunities.currency_id = currencies.currency_id

),

rated as (

    -- Dynamics itself converts amounts to its base currency: of use where there is no rate of ours
    select
        coded.*,
        own_rates.rate is null
        and upper(coded.own_currency) <> '{{ reporting_currency }}'
        and coded.base_amount is not null
        and (base_rates.rate is not null or upper(coded.base_currency) = '{{ reporting_currency }}') as takes_base

    from coded
    left join currency_rates as own_rates
        on upper(coded.own_currency) = own_rates.currency
    left join currency_rates as base_rates
        on upper(coded.base_currency) = base_rates.currency

),

final as (

    select
        source_relation,
        source_table,
        source_opportunity_id,
        source_account_id,
        cast(null as {{ dbt.type_string() }}) as merged_source_opportunity_ids,
        owner_id,
        owner_name,
        cast(null as {{ dbt.type_string() }}) as owner_email,
        deal_name,
        stage_name as stage,
        probability,
        case when takes_base then raw_base_amount else raw_amount end as raw_amount,
        case when takes_base then base_amount else amount end as amount,
        case when takes_base then base_currency else own_currency end as currency,
        case
            when state_code in ('1', '2') then true
            when state_code = '0' then false
        end as is_closed,
        case
            when state_code = '1' then true
            when state_code in ('0', '2') then false
        end as is_won,
        close_date,
        created_date,
        updated_at,
        extracted_at,
        is_deleted,
        is_current_version,
        row_problem,
        nullif(coalesce(notes, '') || case
            when state is not null and state_code is null then 'unknown_state|state|' || state || chr(31)
            else ''
        end, '') as notes

    from rated

)

select * from final
