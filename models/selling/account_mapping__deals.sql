{%- set recent_days = var('account_mapping__recent_deal_days') | int -%}
with

-- a day in the future is no day on which a deal was closed
opportunities as (

    select
        *,
        case
            when is_open then 'open'
            when is_won then 'won'
            else 'lost'
        end as deal_state

    from {{ ref('int_account_mapping__opportunities') }}
    where
        account_id is not null
        and (
            is_open
            or {{ dbt.datediff(
                'close_date', account_mapping.as_of(), 'day'
            ) }} between 0 and {{ recent_days }}
        )

),

primary_links as (

    select * from {{ ref('int_account_mapping__links') }}
    where is_primary

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

partner_accounts as (

    select * from {{ ref('int_account_mapping__partner_accounts') }}

),

plays as (

    select * from {{ ref('int_account_mapping__plays') }}

),

first_seen as (

    select * from {{ ref('int_account_mapping__overlap_first_seen') }}

),

known as (

    select
        opportunities.source_relation || ':' || opportunities.source_opportunity_id as deal_id,
        opportunities.deal_name,
        opportunities.stage,
        opportunities.deal_state,
        coalesce(opportunities.owner_name, opportunities.owner_email) as deal_owner,
        opportunities.owner_email as deal_owner_email,
        opportunities.converted_amount,
        opportunities.probability,
        opportunities.created_date,
        opportunities.close_date,
        primary_links.partner_id,
        primary_links.account_id,
        primary_links.partner_account_id,
        primary_links.relationship,
        primary_links.partner_status_rank,
        {{ account_mapping.partner_columns('primary_links') | indent(8) }},
        accounts.name as account_name,
        accounts.owner as our_owner,
        accounts.owner_email as our_owner_email,
        partner_accounts.name as partner_account_name,
        partner_accounts.status as partner_status,
        partner_accounts.owner as partner_owner,
        partner_accounts.owner_email as partner_owner_email,
        partner_accounts.customer_since,
        partner_accounts.deal_stage as partner_deal_stage,
        first_seen.first_seen_at,
        plays.play,
        plays.ask,
        coalesce(plays.score, 0) as score,
        coalesce(
            plays.why,
            accounts.name || ' is also known to ' || coalesce(partners.partner_name, primary_links.partner_id)
            || ', which does not share what it is to them.'
        ) as why

    from opportunities
    inner join primary_links
        on opportunities.account_id = primary_links.account_id
    inner join accounts
        on primary_links.account_id = accounts.account_id
    inner join partner_accounts
        on
            primary_links.partner_id = partner_accounts.partner_id
            and primary_links.partner_account_id = partner_accounts.account_id
    inner join first_seen
        on
            primary_links.partner_id = first_seen.partner_id
            and primary_links.account_id = first_seen.account_id
            and primary_links.partner_account_id = first_seen.partner_account_id
    left join partners
        on primary_links.partner_id = partners.partner_id
    left join plays
        on
            primary_links.partner_id = plays.partner_id
            and primary_links.account_id = plays.account_id

),

ranked as (

    select
        *,
        row_number() over (
            partition by deal_id
            order by
                score desc,
                case when relationship = 'same' then 0 else 1 end,
                partner_status_rank,
                partner_id
        ) as partner_rank

    from known

),

-- the next best, for whoever cannot ask the first
compared as (

    select
        *,
        max(case when partner_rank = 1 then partner_id end) over (partition by deal_id) as recommended_partner_id,
        max(case when partner_rank = 2 then partner_id end) over (partition by deal_id) as alternative_partner_id,
        max(case when partner_rank = 1 then score end) over (partition by deal_id)
        - max(case when partner_rank = 2 then score end) over (partition by deal_id) as recommended_ahead_by

    from ranked

),

final as (

    select
        ---------- ids
        deal_id,
        partner_id,
        account_id,
        partner_account_id,
        recommended_partner_id,
        alternative_partner_id,

        ---------- text
        partner_name,
        partner_type,
        tier,
        account_name,
        partner_account_name,
        {{ account_mapping.spreadsheet_safe('deal_name') }} as deal_name,
        deal_state,
        {{ account_mapping.spreadsheet_safe('stage') }} as deal_stage,
        {{ account_mapping.spreadsheet_safe('deal_owner') }} as deal_owner,
        {{ account_mapping.spreadsheet_safe('deal_owner_email') }} as deal_owner_email,
        {{ account_mapping.spreadsheet_safe('our_owner') }} as our_owner,
        {{ account_mapping.spreadsheet_safe('our_owner_email') }} as our_owner_email,
        partner_status,
        {{ account_mapping.spreadsheet_safe('partner_deal_stage') }} as partner_deal_stage,
        {{ account_mapping.spreadsheet_safe('partner_owner') }} as partner_owner,
        {{ account_mapping.spreadsheet_safe('partner_owner_email') }} as partner_owner_email,
        relationship,
        play,
        why,
        ask,

        ---------- numerics
        converted_amount as amount,
        probability,
        score,
        cast(partner_rank as bigint) as partner_rank,
        recommended_ahead_by,

        ---------- dates and timestamps
        created_date as opened_on,
        close_date as close_on,
        customer_since as partner_customer_since,
        first_seen_at,

        ---------- flags
        partner_rank = 1 as is_recommended

    from compared

)

select * from final
order by deal_id, partner_rank
