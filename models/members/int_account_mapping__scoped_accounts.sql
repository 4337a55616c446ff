{%- set reporting_currency = var('account_mapping__currency') | upper -%}
with

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

account_statuses as (

    select * from {{ ref('int_account_mapping__account_statuses') }}

),

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}

),

partner_statuses as (

    select * from {{ ref('int_account_mapping__partner_statuses') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

excluded_accounts as (

    select * from {{ ref('int_account_mapping__excluded_accounts') }}

),

currency_rates as (

    select * from {{ ref('stg_account_mapping__settings_currency_rates') }}

),

scopes as (

    select '*' as scope
    union
    select account_scope as scope from partners

),

our_accounts as (

    select
        account_records.account_id,
        account_records.parent_account_id,
        account_statuses.status,
        account_statuses.open_amount

    from account_records
    inner join account_statuses
        on account_records.account_id = account_statuses.account_id

),

rated_partner_accounts as (

    select
        partner_records.partner_id,
        partner_records.account_id,
        partner_records.parent_account_id,
        partner_statuses.status,
        {{ account_mapping.convert_amount(
            'partner_records.open_amount',
            "case when partner_records.currency is null or upper(partner_records.currency) = '"
            ~ reporting_currency ~ "' then 1 else currency_rates.rate end"
        ) }} as open_amount

    from partner_records
    inner join partner_statuses
        on
            partner_records.partner_id = partner_statuses.partner_id
            and partner_records.account_id = partner_statuses.account_id
    left join currency_rates
        on upper(partner_records.currency) = currency_rates.currency

),

scoped as (

    select
        'ours' as side,
        scopes.scope,
        our_accounts.account_id,
        our_accounts.parent_account_id,
        our_accounts.status,
        our_accounts.open_amount

    from our_accounts
    cross join scopes

    union all

    select
        'partner' as side,
        partner_id as scope,
        account_id,
        parent_account_id,
        status,
        coalesce(open_amount, 0) as open_amount

    from rated_partner_accounts

),

counted as (

    select scoped.*

    from scoped
    left join excluded_accounts
        on
            scoped.side = excluded_accounts.side
            and scoped.account_id = excluded_accounts.account_id
            and (
                scoped.scope = excluded_accounts.for_partner_id
                or (scoped.side = 'ours' and excluded_accounts.for_partner_id = '*')
            )
    where excluded_accounts.account_id is null

),

final as (

    -- a deleted, unknown or excluded parent makes its children roots
    select
        counted.side,
        counted.scope,
        counted.account_id,
        parents.account_id as parent_account_id,
        counted.status,
        counted.open_amount

    from counted
    left join counted as parents
        on
            counted.side = parents.side
            and counted.scope = parents.scope
            and counted.parent_account_id = parents.account_id
            and counted.account_id <> counted.parent_account_id

)

select * from final
