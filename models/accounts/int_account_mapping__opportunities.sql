{%- set reporting_currency = var('account_mapping__currency') | upper -%}
with

opportunities as (

    select * from {{ ref('int_account_mapping__opportunity_versions') }}
    where record_state = 'current'

),

account_ids as (

    select * from {{ ref('int_account_mapping__account_ids') }}

),

currency_rates as (

    select * from {{ ref('stg_account_mapping__settings_currency_rates') }}

),

deal_stages as (

    select * from {{ ref('stg_account_mapping__settings_deal_stages') }}

),

owners as (

    select * from {{ ref('int_account_mapping__owners') }}

),

owners_by_name as (

    -- exports name the owner instead of giving an id; namesakes are left alone
    select
        source_relation,
        lower(owner_name) as owner_name_key,
        min(owner_email) as owner_email

    from owners
    where owner_name is not null
    group by source_relation, lower(owner_name)
    having count(*) = 1

),

rated as (

    select
        opportunities.*,
        account_ids.account_id,
        {{ account_mapping.crm_kind('opportunities.source_relation') | indent(8) }} as kind,
        case
            when
                opportunities.currency is null
                or upper(opportunities.currency) = '{{ reporting_currency }}'
                then 1
            else currency_rates.rate
        end as rate

    from opportunities
    left join account_ids
        on
            opportunities.source_relation = account_ids.source_relation
            and opportunities.source_account_id = account_ids.source_account_id
    left join currency_rates
        on upper(opportunities.currency) = currency_rates.currency

),

final as (

    -- what is said of this CRM goes before what is said of its kind
    select
        ---------- ids
        rated.source_relation,
        rated.source_table,
        rated.source_opportunity_id,
        rated.source_account_id,
        rated.account_id,

        ---------- text
        rated.deal_name,
        coalesce(own_stages.stage_name, kind_stages.stage_name, rated.stage) as stage,
        rated.stage as raw_stage,
        coalesce(owners.owner_name, rated.owner_name) as owner_name,
        coalesce(owners.owner_email, rated.owner_email, owners_by_name.owner_email) as owner_email,
        rated.currency,
        rated.raw_amount,

        ---------- numerics
        rated.amount,
        coalesce(rated.probability, own_stages.probability, kind_stages.probability) as probability,
        coalesce(own_stages.stage_rank, kind_stages.stage_rank) as stage_rank,
        {{ account_mapping.convert_amount('rated.amount', 'rated.rate') }} as converted_amount,

        ---------- dates
        rated.close_date,
        rated.created_date,

        ---------- flags
        coalesce(rated.is_won, false) as is_won,
        not coalesce(rated.is_closed, false) and not coalesce(rated.is_won, false) as is_open,
        rated.amount is not null and rated.rate is null as lacks_rate,
        rated.owner_id is not null and owners.owner_id is null as has_unknown_owner

    from rated
    left join owners
        on
            rated.source_relation = owners.source_relation
            and rated.owner_id = owners.owner_id
    left join owners_by_name
        on
            rated.source_relation = owners_by_name.source_relation
            and rated.owner_id is null
            and lower(rated.owner_name) = owners_by_name.owner_name_key
    left join deal_stages as own_stages
        on
            rated.source_relation = own_stages.crm
            and lower(trim(rated.stage)) = own_stages.stage_key
    left join deal_stages as kind_stages
        on
            rated.kind = kind_stages.crm
            and lower(trim(rated.stage)) = kind_stages.stage_key

)

select * from final
