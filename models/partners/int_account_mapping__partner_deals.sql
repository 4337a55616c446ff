{%- set reporting_currency = var('account_mapping__currency') | upper -%}
with

deal_rows as (

    select
        *,
        {{ account_mapping.stage_outcome('stage') }} as stage_outcome

    from {{ ref('int_account_mapping__deal_rows') }}
    where record_state = 'current'

),

currency_rates as (

    select * from {{ ref('stg_account_mapping__settings_currency_rates') }}

),

rated as (

    select
        deal_rows.*,
        case
            when
                deal_rows.currency is null
                or upper(deal_rows.currency) = '{{ reporting_currency }}'
                then 1
            else currency_rates.rate
        end as rate,
        -- of an open deal CRMs write the day for which its end is expected
        coalesce(deal_rows.closed_on <= {{ account_mapping.as_of() }}, false) as is_past_close

    from deal_rows
    left join currency_rates
        on upper(deal_rows.currency) = currency_rates.currency

),

final as (

    select
        ---------- ids
        partner_id,
        deal_id,
        account_id,

        ---------- text
        stage,
        currency,
        case
            when is_won then 'won'
            when is_won is null and stage_outcome = 'won' then 'won'
            when stage_outcome = 'lost' then 'lost'
            when not is_won and is_past_close then 'lost'
            else 'open'
        end as outcome,

        ---------- numerics
        {{ account_mapping.convert_amount('amount', 'rate') }} as amount,

        ---------- dates and timestamps
        opened_on,
        closed_on,
        updated_at,

        ---------- flags
        amount is not null and rate is null as lacks_rate,
        raw_is_won is not null and is_won is null as is_flag_unreadable,
        coalesce((is_won and stage_outcome = 'lost') or (not is_won and stage_outcome = 'won'), false)
            as is_contradictory,
        is_won is null and stage_outcome is null and is_past_close as is_outcome_unknown

    from rated

)

select * from final
