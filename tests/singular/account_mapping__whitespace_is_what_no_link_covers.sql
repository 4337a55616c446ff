-- The partner's accounts that we lack and those that are matched are no more than it has, and a readable list has as
-- many rows of accounts as its segments count.
with

whitespace as (

    select
        partner_id,
        rollup,
        sum(case when whitespace_level = 'segments' then accounts else 0 end) as counted_accounts,
        sum(case when whitespace_level = 'accounts' then accounts else 0 end) as listed_accounts

    from {{ ref('int_account_mapping__whitespace') }}
    group by partner_id, rollup

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

coverage as (

    select * from {{ ref('int_account_mapping__partner_coverage') }}
    where
        our_status = 'all'
        and target_list = 'all'

),

final as (

    select
        whitespace.*,
        coverage.partner_accounts,
        coverage.matched_partner_accounts

    from whitespace
    inner join partners
        on whitespace.partner_id = partners.partner_id
    inner join coverage
        on
            whitespace.partner_id = coverage.partner_id
            and whitespace.rollup = coverage.rollup
    where
        whitespace.counted_accounts + coverage.matched_partner_accounts > coverage.partner_accounts
        or whitespace.listed_accounts > whitespace.counted_accounts
        or (partners.exchange = 'list' and whitespace.listed_accounts <> whitespace.counted_accounts)

)

select * from final
