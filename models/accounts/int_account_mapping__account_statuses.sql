{%- set reporting_currency = var('account_mapping__currency') | upper -%}
with

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

opportunities as (

    select * from {{ ref('int_account_mapping__opportunities') }}
    where account_id is not null

),

currency_rates as (

    select * from {{ ref('stg_account_mapping__settings_currency_rates') }}

),

status_evidence as (

    select * from {{ ref('int_account_mapping__status_evidence') }}

),

rule_evidence as (

    select
        account_id,
        max(case when status = 'customer' then 1 else 0 end) as customer_rules,
        max(case when status = 'open_opportunity' then 1 else 0 end) as open_rules,
        max(case when status = 'churned' then 1 else 0 end) as churned_rules,
        max(case when status = 'excluded' then 1 else 0 end) as excluded_rules

    from status_evidence
    group by account_id

),

opportunity_evidence as (

    select
        account_id,
        max(case when is_won then 1 else 0 end) as wins,
        max(case when is_open then 1 else 0 end) as open_opportunities,
        max(case when is_won then close_date end) as last_won_on,
        sum(case when is_open then coalesce(converted_amount, 0) else 0 end) as open_amount

    from opportunities
    group by account_id

),

evidence as (

    select
        account_records.account_id,
        coalesce(rule_evidence.customer_rules, 0) = 1 as has_customer_rule,
        coalesce(rule_evidence.churned_rules, 0) = 1 as has_churned_rule,
        coalesce(rule_evidence.excluded_rules, 0) = 1 as is_excluded_by_rule,
        coalesce(opportunity_evidence.wins, 0) = 1 as has_win,
        coalesce(rule_evidence.open_rules, 0) = 1
        or coalesce(opportunity_evidence.open_opportunities, 0) = 1 as is_open,
        {% if var('account_mapping__churn_after_days') | int > 0 -%}
        coalesce(
            {{ dbt.datediff('opportunity_evidence.last_won_on', account_mapping.as_of(), 'day') }}
            > {{ var('account_mapping__churn_after_days') | int }},
            false
        )
        {%- else -%}
        false
        {%- endif %} as has_lapsed,
        account_records.source_relation = 'shared_keys'
        and account_records.status is null as is_withheld,
        coalesce(opportunity_evidence.open_amount, 0) + coalesce(
            {{ account_mapping.convert_amount(
                'account_records.open_amount',
                "case when account_records.currency is null or upper(account_records.currency) = '"
                ~ reporting_currency ~ "' then 1 else currency_rates.rate end"
            ) }},
            0
        ) as open_amount

    from account_records
    left join currency_rates
        on upper(account_records.currency) = currency_rates.currency
    left join rule_evidence
        on account_records.account_id = rule_evidence.account_id
    left join opportunity_evidence
        on account_records.account_id = opportunity_evidence.account_id

),

statuses as (

    -- the highest evidence wins; a churned rule cancels rules and wins, a lapse cancels wins only
    select
        account_id,
        case
            when not has_churned_rule and (has_customer_rule or (has_win and not has_lapsed))
                then 'customer'
            when is_open then 'open_opportunity'
            when has_churned_rule or (has_win and has_lapsed) then 'churned'
            when is_withheld then 'not_shared'
            else 'prospect'
        end as status,
        is_excluded_by_rule,
        cast(open_amount as decimal(28, 2)) as open_amount

    from evidence

),

-- the CRM's own word for it: the one that says the status, else the first field that says anything
status_words as (

    select
        status_evidence.account_id,
        status_evidence.written_value,
        row_number() over (
            partition by status_evidence.account_id
            order by
                case when status_evidence.status = statuses.status then 0 else 1 end,
                status_evidence.field,
                status_evidence.written_value
        ) as preference

    from status_evidence
    inner join statuses
        on status_evidence.account_id = statuses.account_id
    where status_evidence.is_status_field

),

final as (

    select
        statuses.*,
        status_words.written_value as crm_status

    from statuses
    left join status_words
        on
            statuses.account_id = status_words.account_id
            and status_words.preference = 1

)

select * from final
