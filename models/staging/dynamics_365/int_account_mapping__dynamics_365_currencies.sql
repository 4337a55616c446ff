{{ config(
    materialized='view',
    enabled=account_mapping.uses_crm('dynamics_365'),
) }}

with

currencies as (

    select * from {{ ref('stg_account_mapping__dynamics_365_transactioncurrencies') }}

),

ranked as (

    {{ account_mapping.ranked_records(
        'currencies', ['source_relation', 'currency_id'], ['currency', 'exchange_rate']
    ) | indent(4) }}

),

latest as (

    -- a currency that was deleted still says what its amounts are in
    select * from ranked
    where version_rank = 1

),

-- exchange rates are relative to the organisation's own currency, whose rate is 1
base_currencies as (

    select
        source_relation,
        min(currency) as base_currency

    from latest
    where exchange_rate = 1
    group by source_relation
    having count(*) = 1

),

final as (

    select
        latest.source_relation,
        latest.currency_id,
        latest.currency,
        base_currencies.base_currency

    from latest
    left join base_currencies
        on latest.source_relation = base_currencies.source_relation

)

select * from final
