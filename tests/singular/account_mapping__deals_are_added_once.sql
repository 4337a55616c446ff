-- each deal that a partner knows is recommended to one partner, and what is open adds up to what these deals are worth
with

deals as (

    select * from {{ ref('account_mapping__deals') }}

),

links as (

    select distinct account_id
    from {{ ref('int_account_mapping__links') }}
    where is_primary

),

opportunities as (

    select * from {{ ref('int_account_mapping__opportunities') }}
    where is_open

),

found as (

    select
        count(*) as n_deals,
        coalesce(sum(amount), 0) as amount

    from deals
    where
        is_recommended
        and deal_state = 'open'

),

expected as (

    select
        count(*) as n_deals,
        coalesce(sum(opportunities.converted_amount), 0) as amount

    from opportunities
    inner join links
        on opportunities.account_id = links.account_id

)

select
    found.n_deals,
    expected.n_deals as expected_deals,
    found.amount,
    expected.amount as expected_amount

from found
cross join expected
where
    found.n_deals <> expected.n_deals
    or found.amount <> expected.amount
