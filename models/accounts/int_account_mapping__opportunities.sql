{%- set opportunity_models = {
    'salesforce': 'stg_account_mapping__salesforce_opportunities',
    'hubspot': 'int_account_mapping__hubspot_deals',
    'pipedrive': 'stg_account_mapping__pipedrive_deals',
    'dynamics_365': 'int_account_mapping__dynamics_365_opportunities',
} -%}
{%- set text = dbt.type_string() -%}
{%- set opportunity_columns = {
    'source_opportunity_id': text,
    'source_account_id': text,
    'raw_amount': text,
    'amount': 'decimal(28, 2)',
    'currency': text,
    'is_closed': 'boolean',
    'is_won': 'boolean',
    'close_date': 'date',
    'created_date': 'date',
    'is_deleted': 'boolean',
} -%}
{%- set crms = account_mapping.crms_in_use() | select('in', opportunity_models) | list -%}
{%- set reporting_currency = var('account_mapping__currency') | upper -%}
with

crm_opportunities as (

    {% for crm in crms %}
    select
        '{{ crm }}' as source_relation,
        {{- account_mapping.typed_columns(opportunity_columns) }}

    from {{ ref(opportunity_models[crm]) }}
    where is_current_version
    {{ 'union all' if not loop.last }}
    {% else %}
    {{ account_mapping.no_rows(dict(source_relation=text, **opportunity_columns)) }}
    {% endfor %}

),

opportunities as (

    select * from crm_opportunities
    where not is_deleted

),

account_ids as (

    select * from {{ ref('int_account_mapping__account_ids') }}

),

currency_rates as (

    select * from {{ ref('stg_account_mapping__settings_currency_rates') }}

),

rated as (

    select
        opportunities.*,
        account_ids.account_id,
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

    select
        ---------- ids
        source_relation,
        source_opportunity_id,
        source_account_id,
        account_id,

        ---------- text
        currency,
        raw_amount,

        ---------- numerics
        amount,
        {{ account_mapping.convert_amount('amount', 'rate') }} as converted_amount,

        ---------- dates
        close_date,
        created_date,

        ---------- flags
        coalesce(is_won, false) as is_won,
        not coalesce(is_closed, false) and not coalesce(is_won, false) as is_open,
        amount is not null and rate is null as lacks_rate

    from rated

)

select * from final
