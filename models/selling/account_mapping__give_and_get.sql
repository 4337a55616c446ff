{#- A win counts for the side that had the account as a customer before the deal began; where nobody says when that
    was, before it ended. -#}
with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

telling_partners as (

    select * from {{ ref('int_account_mapping__telling_partners') }}

),

overlap_matrix as (

    select * from {{ ref('int_account_mapping__overlap_matrix') }}
    where rollup = 'account'

),

plays as (

    select * from {{ ref('int_account_mapping__plays') }}

),

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where
        decision = 'accepted'
        and relationship = 'same'

),

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

partner_accounts as (

    select * from {{ ref('int_account_mapping__partner_accounts') }}

),

opportunities as (

    select * from {{ ref('int_account_mapping__opportunities') }}
    where
        is_won
        and coalesce(close_date <= {{ account_mapping.as_of() }}, true)

),

partner_deals as (

    select * from {{ ref('int_account_mapping__partner_deals') }}

),

-- a status that one side does not tell may hide a play: what is counted then would be too little
told_cells as (

    select
        partner_id,
        max(case
            when
                our_status in ('open_opportunity', 'churned', 'prospect')
                and partner_status = 'customer'
                and cell_state <> 'counted'
                then 1
            else 0
        end) as hides_asks,
        max(case
            when
                our_status = 'customer'
                and partner_status in ('open_opportunity', 'churned', 'prospect')
                and cell_state <> 'counted'
                then 1
            else 0
        end) as hides_offers,
        -- a list of customers alone names nobody that we could help with
        max(case
            when partner_status in ('open_opportunity', 'churned', 'prospect') and cell_state = 'counted' then 1
            else 0
        end) as tells_others

    from overlap_matrix
    group by partner_id

),

play_counts as (

    select
        partner_id,
        count(distinct case
            when
                our_status in ('open_opportunity', 'churned', 'prospect')
                and partner_status = 'customer'
                then account_id
        end) as asks,
        count(distinct case
            when
                our_status = 'customer'
                and partner_status in ('open_opportunity', 'churned', 'prospect')
                then account_id
        end) as offers

    from plays
    group by partner_id

),

-- our wins at accounts that are the partner's customers, each once
our_wins as (

    select
        links.partner_id,
        opportunities.source_relation,
        opportunities.source_opportunity_id,
        max(opportunities.converted_amount) as amount,
        max(case
            when
                partner_accounts.customer_since
                < coalesce(opportunities.created_date, opportunities.close_date)
                then 1
            else 0
        end) as was_theirs_first,
        max(case
            when
                partner_accounts.customer_since is not null
                and coalesce(opportunities.created_date, opportunities.close_date) is not null
                then 1
            else 0
        end) as is_dated

    from opportunities
    inner join links
        on opportunities.account_id = links.account_id
    inner join partner_accounts
        on
            links.partner_id = partner_accounts.partner_id
            and links.partner_account_id = partner_accounts.account_id
    where partner_accounts.status = 'customer'
    group by links.partner_id, opportunities.source_relation, opportunities.source_opportunity_id

),

received as (

    select
        partner_id,
        sum(was_theirs_first) as deals,
        sum(case when was_theirs_first = 1 then amount end) as amount,
        sum(1 - is_dated) as undated_deals,
        sum(is_dated) as dated_deals

    from our_wins
    group by partner_id

),

our_customers as (

    select
        account_id,
        least(coalesce(customer_since, first_won_on), coalesce(first_won_on, customer_since)) as customer_since

    from accounts
    where
        status = 'customer'
        and not is_excluded

),

-- the partner's wins at accounts that are our customers, each once
their_wins as (

    select
        partner_deals.partner_id,
        partner_deals.deal_id,
        max(partner_deals.amount) as amount,
        max(case
            when our_customers.customer_since < coalesce(partner_deals.opened_on, partner_deals.closed_on) then 1
            else 0
        end) as was_ours_first,
        max(case
            when
                our_customers.customer_since is not null
                and coalesce(partner_deals.opened_on, partner_deals.closed_on) is not null
                then 1
            else 0
        end) as is_dated

    from partner_deals
    inner join links
        on
            partner_deals.partner_id = links.partner_id
            and partner_deals.account_id = links.partner_account_id
    inner join our_customers
        on links.account_id = our_customers.account_id
    where
        partner_deals.outcome = 'won'
        and coalesce(partner_deals.closed_on <= {{ account_mapping.as_of() }}, true)
    group by partner_deals.partner_id, partner_deals.deal_id

),

given as (

    select
        partner_id,
        sum(was_ours_first) as deals,
        sum(case when was_ours_first = 1 then amount end) as amount,
        sum(1 - is_dated) as undated_deals

    from their_wins
    group by partner_id

),

-- of a partner that sends no deals we do not know what it won
partners_with_deals as (

    select distinct partner_id
    from partner_deals

),

counted as (

    select
        partners.*,
        case
            when told_cells.hides_asks = 0 and telling_partners.partner_id is not null
                then coalesce(play_counts.asks, 0)
        end as asked_accounts,
        case
            when told_cells.hides_offers = 0 and told_cells.tells_others = 1 then coalesce(play_counts.offers, 0)
        end as offered_accounts,
        -- where no day is known of any of them, none is known to have been first
        case
            when telling_partners.partner_id is null then null
            when received.dated_deals = 0 then null
            else coalesce(received.deals, 0)
        end as received_deals,
        received.amount as received_amount,
        case when telling_partners.partner_id is not null then coalesce(received.undated_deals, 0) end
            as received_undated_deals,
        case when partners_with_deals.partner_id is not null then coalesce(given.deals, 0) end as given_deals,
        given.amount as given_amount,
        case when partners_with_deals.partner_id is not null then coalesce(given.undated_deals, 0) end
            as given_undated_deals

    from partners
    left join telling_partners
        on partners.partner_id = telling_partners.partner_id
    left join told_cells
        on partners.partner_id = told_cells.partner_id
    left join play_counts
        on partners.partner_id = play_counts.partner_id
    left join received
        on partners.partner_id = received.partner_id
    left join given
        on partners.partner_id = given.partner_id
    left join partners_with_deals
        on partners.partner_id = partners_with_deals.partner_id

),

final as (

    select
        partner_id,
        partner_name,
        partner_type,
        tier,
        cast(asked_accounts as bigint) as asked_accounts,
        cast(offered_accounts as bigint) as offered_accounts,
        cast(received_deals as bigint) as received_deals,
        cast(
            case when received_deals is not null then coalesce(received_amount, 0) end as decimal(28, 2)
        ) as received_amount,
        cast(received_undated_deals as bigint) as received_undated_deals,
        cast(given_deals as bigint) as given_deals,
        cast(case when given_deals is not null then coalesce(given_amount, 0) end as decimal(28, 2)) as given_amount,
        cast(given_undated_deals as bigint) as given_undated_deals,
        cast({{ account_mapping.share('given_deals', 'received_deals') }} as decimal(28, 4)) as given_per_received

    from counted

)

select * from final
order by partner_id
