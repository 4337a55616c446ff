{#- fewer closed deals say too little: of ten, one more or less won moves the rate by .1 -#}
{%- set least_deals = 10 -%}
{%- set reporting_currency = var('account_mapping__currency') | upper -%}
{%- set figures = [
    'closed_deals', 'won_deals', 'open_deals', 'won_amount', 'open_amount',
    'deal_size_deals', 'deal_size_sum', 'deal_size_squares',
    'days_to_close_deals', 'days_to_close_sum', 'days_to_close_squares',
] -%}
{#- unit, deals, their sum and its squares (of a deal that is won or not the same); without squares: not compared -#}
{%- set measures = {
    'win_rate': ['share', 'closed_deals', 'won_deals', 'won_deals'],
    'deal_size': [reporting_currency, 'deal_size_deals', 'deal_size_sum', 'deal_size_squares'],
    'days_to_close': ['days', 'days_to_close_deals', 'days_to_close_sum', 'days_to_close_squares'],
    'influenced_revenue': [reporting_currency, 'won_deals', 'won_amount', none],
    'potential_revenue': [reporting_currency, 'open_deals', 'open_amount', none],
} -%}
with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

telling_partners as (

    select * from {{ ref('int_account_mapping__telling_partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'ours'

),

account_deals as (

    select * from {{ ref('int_account_mapping__account_deals') }}

),

impact_accounts as (

    select * from {{ ref('int_account_mapping__impact_accounts') }}

),

-- of a readable list the rest is not listed account by account: it is the whole less the others
compared_partners as (

    select
        partners.partner_id,
        partners.account_scope,
        telling_partners.partner_id is not null as is_telling,
        partners.exchange = 'list' as is_rest_unlisted

    from partners
    left join telling_partners
        on partners.partner_id = telling_partners.partner_id

    union all

    select
        'all' as partner_id,
        '*' as account_scope,
        count(telling_partners.partner_id) > 0 as is_telling,
        false as is_rest_unlisted

    from partners
    left join telling_partners
        on partners.partner_id = telling_partners.partner_id
    having count(partners.partner_id) > 0

),

member_deals as (

    select
        members.scope,
        members.account_id,
        {% for figure in figures if figure != 'open_amount' -%}
        coalesce(account_deals.{{ figure }}, 0) as {{ figure }},
        {% endfor -%}
        members.open_amount

    from members
    left join account_deals
        on members.account_id = account_deals.account_id

),

sums as (

    select
        {% for figure in figures -%}
        sum(member_deals.{{ figure }}) as {{ figure }},
        {% endfor -%}
        compared_partners.partner_id,
        impact_accounts.standing

    from impact_accounts
    inner join compared_partners
        on impact_accounts.partner_id = compared_partners.partner_id
    inner join member_deals
        on
            compared_partners.account_scope = member_deals.scope
            and impact_accounts.account_id = member_deals.account_id
    group by compared_partners.partner_id, impact_accounts.standing

),

scope_sums as (

    select
        {% for figure in figures -%}
        sum({{ figure }}) as {{ figure }},
        {% endfor -%}
        scope

    from member_deals
    group by scope

),

all_sums as (

    select * from sums

    union all

    select
        {% for figure in figures -%}
        scope_sums.{{ figure }},
        {% endfor -%}
        compared_partners.partner_id,
        'any' as standing

    from compared_partners
    inner join scope_sums
        on compared_partners.account_scope = scope_sums.scope

),

measured as (

    {% for measure, (unit, deals, total, squares) in measures.items() -%}
    select
        partner_id,
        standing,
        '{{ measure }}' as measure,
        {{ deals }} as deals,
        cast({{ total }} as decimal(38, 4)) as total,
        cast({{ squares or 'null' }} as decimal(38, 4)) as squares

    from all_sums
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

pivoted as (

    select
        {% for standing in ['customer', 'unknown', 'other', 'any'] -%}
        {% for figure in ['deals', 'total', 'squares'] -%}
        coalesce(sum(case when standing = '{{ standing }}' then {{ figure }} end), 0) as {{ standing }}_{{ figure }},
        {% endfor -%}
        {% endfor -%}
        partner_id,
        measure

    from measured
    group by partner_id, measure

),

measures as (

    {% for measure, (unit, deals, total, squares) in measures.items() -%}
    select
        '{{ measure }}' as measure,
        '{{ unit }}' as unit,
        {{ 'false' if squares is none else 'true' }} as is_compared
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

split as (

    select
        compared_partners.partner_id,
        measures.measure,
        measures.unit,
        measures.is_compared,
        compared_partners.is_telling,
        {% for figure in ['deals', 'total', 'squares'] -%}
        coalesce(pivoted.customer_{{ figure }}, 0) as customer_{{ figure }},
        coalesce(
            case
                when compared_partners.is_rest_unlisted
                    then pivoted.any_{{ figure }} - pivoted.customer_{{ figure }} - pivoted.unknown_{{ figure }}
                else pivoted.other_{{ figure }}
            end, 0
        ) as other_{{ figure }},
        {% endfor -%}
        coalesce(pivoted.any_deals, 0) as any_deals

    from compared_partners
    cross join measures
    left join pivoted
        on
            compared_partners.partner_id = pivoted.partner_id
            and measures.measure = pivoted.measure

),

stated as (

    select
        *,
        {% for side in ['customer', 'other'] -%}
        cast({{ side }}_deals as double) as {{ side }}_n,
        cast({{ side }}_total as double) as {{ side }}_sum,
        cast({{ side }}_squares as double) as {{ side }}_square_sum,
        {% endfor -%}
        case
            when not is_telling then 'not_shared'
            when is_compared and (customer_deals < {{ least_deals }} or other_deals < {{ least_deals }}) then 'too_few'
            else 'measured'
        end as state

    from split

),

-- of each side the mean and the square of its standard error
means as (

    select
        {% for side in ['customer', 'other'] -%}
        {{ side }}_sum / {{ side }}_n as {{ side }}_mean,
        greatest({{ side }}_square_sum - {{ side }}_sum * {{ side }}_sum / {{ side }}_n, 0)
        / (({{ side }}_n - 1) * {{ side }}_n) as {{ side }}_error,
        {% endfor -%}
        stated.*

    from stated
    where
        stated.state = 'measured'
        and stated.is_compared

),

-- Wilson's interval for a rate, Student's for a mean; both errors together are worth so many degrees of freedom
-- (Welch and Satterthwaite)
limits as (

    select
        *,
        {% for side in ['customer', 'other'] -%}
        {% for limit, sign in {'low': '-', 'high': '+'}.items() -%}
        case
            when measure = 'win_rate'
                then {{ account_mapping.wilson_limit(side ~ '_sum', side ~ '_n', sign) }}
            else
                {{ side }}_mean
                {{ sign }} {{ account_mapping.student_t('(' ~ side ~ '_n - 1)') }} * sqrt({{ side }}_error)
        end as {{ side }}_{{ limit }},
        {% endfor -%}
        {% endfor -%}
        power(customer_error + other_error, 2) / nullif(
            power(customer_error, 2) / (customer_n - 1) + power(other_error, 2) / (other_n - 1), 0
        ) as degrees_of_freedom

    from means

),

-- Newcombe's interval for the difference of two rates, Welch's for that of two means
widths as (

    select
        *,
        case
            when measure = 'win_rate'
                then sqrt(power(customer_mean - customer_low, 2) + power(other_high - other_mean, 2))
            else coalesce(
                {{ account_mapping.student_t('degrees_of_freedom') }} * sqrt(customer_error + other_error), 0
            )
        end as width_down,
        case
            when measure = 'win_rate'
                then sqrt(power(customer_high - customer_mean, 2) + power(other_mean - other_low, 2))
            else coalesce(
                {{ account_mapping.student_t('degrees_of_freedom') }} * sqrt(customer_error + other_error), 0
            )
        end as width_up

    from limits

),

final as (

    select
        stated.partner_id,
        {{ account_mapping.partner_columns('stated') | indent(8) }},
        stated.measure,
        stated.unit,
        stated.state,
        {% for side in ['customer', 'other'] -%}
        cast(case when stated.is_telling then stated.{{ side }}_deals end as bigint) as {{ side }}_deals,
        case
            when widths.measure is not null
                then cast(
                    {{ account_mapping.share(
                        'stated.' ~ side ~ '_total', 'stated.' ~ side ~ '_deals', input_decimals=4
                    ) }} as decimal(28, 4)
                )
            when stated.is_telling and not stated.is_compared then cast(stated.{{ side }}_total as decimal(28, 4))
        end as {{ side }}_value,
        cast(round(widths.{{ side }}_low, 4) as decimal(28, 4)) as {{ side }}_low,
        cast(round(widths.{{ side }}_high, 4) as decimal(28, 4)) as {{ side }}_high,
        {% endfor -%}
        cast(
            case
                when stated.is_telling then stated.any_deals - stated.customer_deals - stated.other_deals
                else stated.any_deals
            end as bigint
        ) as unknown_deals,
        case
            when widths.measure is not null
                then cast(
                    {{ account_mapping.share(
                        'stated.customer_total * stated.other_deals - stated.other_total * stated.customer_deals',
                        'stated.customer_deals * stated.other_deals', input_decimals=4
                    ) }} as decimal(28, 4)
                )
        end as difference,
        cast(round(widths.customer_mean - widths.other_mean - widths.width_down, 4) as decimal(28, 4))
            as difference_low,
        cast(round(widths.customer_mean - widths.other_mean + widths.width_up, 4) as decimal(28, 4))
            as difference_high

    -- limits hold a square root, so that none sits on a tie; where all deals are alike they have two decimals
    from stated
    left join widths
        on
            stated.partner_id = widths.partner_id
            and stated.measure = widths.measure
    left join partners
        on stated.partner_id = partners.partner_id

)

select * from final
order by partner_id, measure
