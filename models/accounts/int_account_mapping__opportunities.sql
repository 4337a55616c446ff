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
        source_table,
        source_opportunity_id,
        source_account_id,
        account_id,

        ---------- text
        deal_name,
        stage,
        currency,
        raw_amount,

        ---------- numerics
        amount,
        probability,
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
