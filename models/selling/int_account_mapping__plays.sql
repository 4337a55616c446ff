{%- set reporting_currency = var('account_mapping__currency') | upper -%}
{%- set text = dbt.type_string() -%}
{%- set our_words = {
    'customer': 'our customer',
    'open_opportunity': 'an open opportunity of ours',
    'churned': 'a former customer of ours',
    'prospect': 'a prospect of ours',
} -%}
{%- set their_words = {
    'customer': 'a customer',
    'open_opportunity': 'an open opportunity',
    'churned': 'a former customer',
    'prospect': 'a prospect',
} -%}
with

primary_links as (

    select
        partner_id,
        account_id,
        partner_account_id,
        relationship

    from {{ ref('int_account_mapping__links') }}
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

first_seen as (

    select * from {{ ref('int_account_mapping__overlap_first_seen') }}

),

play_rules as (

    select * from {{ ref('stg_account_mapping__settings_play_rules') }}

),

first_lists as (

    select
        partner_id,
        min(first_seen_at) as first_seen_at

    from first_seen
    group by partner_id

),

dated as (

    select
        primary_links.*,
        {{ account_mapping.partner_columns('primary_links') | indent(8) }},
        accounts.name as account_name,
        partner_accounts.name as partner_account_name,
        accounts.status as our_status,
        partner_accounts.status as partner_status,
        accounts.owner as our_owner,
        accounts.owner_email as our_owner_email,
        partner_accounts.owner as partner_owner,
        partner_accounts.owner_email as partner_owner_email,
        accounts.open_amount,
        accounts.open_deals as our_open_deals,
        accounts.deal_stage as our_deal_stage,
        accounts.deal_close_date as our_deal_close_date,
        accounts.last_won_on as our_last_won_on,
        accounts.target_lists as our_target_lists,
        partner_accounts.deal_stage as partner_deal_stage,
        partner_accounts.deal_close_date as partner_deal_close_date,
        partner_accounts.last_won_on as partner_last_won_on,
        case
            when accounts.status = 'customer'
                then least(
                    coalesce(accounts.customer_since, accounts.first_won_on),
                    coalesce(accounts.first_won_on, accounts.customer_since)
                )
        end as our_customer_since,
        case
            when accounts.status = 'customer'
                then greatest(
                    coalesce(accounts.customer_since, accounts.last_won_on),
                    coalesce(accounts.last_won_on, accounts.customer_since)
                )
        end as our_last_win,
        case when partner_accounts.status = 'customer' then partner_accounts.customer_since end as their_customer_since,
        -- what was there with the partner's first list is not news
        case when first_seen.first_seen_at > first_lists.first_seen_at then cast(first_seen.first_seen_at as date) end
            as new_since

    from primary_links
    inner join partners
        on primary_links.partner_id = partners.partner_id
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
    inner join first_lists
        on primary_links.partner_id = first_lists.partner_id

),

aged as (

    select
        *,
        {{ dbt.datediff(
            'our_last_win', account_mapping.as_of(), 'day'
        ) }} as days_since_our_win,
        {{ dbt.datediff(
            'our_customer_since', account_mapping.as_of(), 'day'
        ) }} as days_our_customer,
        {{ dbt.datediff(
            'their_customer_since', account_mapping.as_of(), 'day'
        ) }} as days_their_customer,
        {{ dbt.datediff(
            'new_since', account_mapping.as_of(), 'day'
        ) }} as days_shared

    from dated

),

-- days in the future say nothing yet
ruled as (

    select
        aged.*,
        play_rules.play,
        play_rules.ask,
        play_rules.give_back,
        play_rules.base_score,
        play_rules.recent_win_points,
        play_rules.long_customer_points,
        play_rules.new_overlap_points,
        play_rules.owners_known_points,
        cast(
            floor(
                play_rules.open_amount_points * least(greatest(aged.open_amount, 0), play_rules.full_amount)
                / play_rules.full_amount
            ) as bigint
        ) as open_amount_points,
        coalesce(aged.days_since_our_win between 0 and play_rules.recent_days, false) as is_our_recent_win,
        coalesce(aged.days_their_customer between 0 and play_rules.recent_days, false) as is_their_recent_win,
        coalesce(aged.days_our_customer >= play_rules.long_customer_days, false) as is_our_long_customer,
        coalesce(aged.days_their_customer >= play_rules.long_customer_days, false) as is_their_long_customer,
        coalesce(aged.days_shared between 0 and play_rules.recent_days, false) as is_new_overlap,
        aged.our_owner is not null and aged.partner_owner is not null as are_owners_known

    from aged
    inner join play_rules
        on
            aged.our_status = play_rules.our_status
            and aged.partner_status = play_rules.partner_status

),

earned as (

    select
        *,
        case when is_our_recent_win or is_their_recent_win then recent_win_points else 0 end as earned_by_recent_win,
        case when is_our_long_customer or is_their_long_customer then long_customer_points else 0 end
            as earned_by_long_customer,
        case when is_new_overlap then new_overlap_points else 0 end as earned_by_new_overlap,
        case when are_owners_known then owners_known_points else 0 end as earned_by_owners

    from ruled

),

worded as (

    select
        *,
        cast(
            base_score + earned_by_recent_win + earned_by_long_customer + earned_by_new_overlap + earned_by_owners
            + open_amount_points as bigint
        ) as score,
        {% for side, words in {'our': our_words, 'partner': their_words}.items() -%}
        case {{ side }}_status
            {%- for status, text_of_status in words.items() %}
            when '{{ status }}' then '{{ text_of_status }}'
            {%- endfor %}
        end as {{ side }}_words,
        {% endfor -%}
        case relationship
            when 'subsidiary' then 'parent company'
            when 'parent' then 'subsidiary'
            when 'sibling' then 'sister company'
        end || coalesce(' ' || partner_account_name, '') as relative,
        case
            when earned_by_recent_win <> 0 and is_their_recent_win
                then ', won by them on ' || cast(their_customer_since as {{ text }})
            else ''
        end || case
            when earned_by_recent_win <> 0 and is_our_recent_win
                then ', won by us on ' || cast(our_last_win as {{ text }})
            else ''
        end || case
            when earned_by_long_customer <> 0 and is_their_long_customer
                then ', their customer since ' || cast(their_customer_since as {{ text }})
            else ''
        end || case
            when earned_by_long_customer <> 0 and is_our_long_customer
                then ', our customer since ' || cast(our_customer_since as {{ text }})
            else ''
        end || case
            when earned_by_new_overlap <> 0
                then ', shared since ' || cast(new_since as {{ text }})
            else ''
        end || case when earned_by_owners <> 0 then ', both owners known' else '' end || case
            when open_amount_points <> 0
                then ', ' || cast(cast(round(open_amount) as bigint) as {{ text }}) || ' {{ reporting_currency }} open'
            else ''
        end as strengths

    from earned

),

ranked as (

    select
        ---------- ids
        partner_id,
        account_id,
        partner_account_id,

        ---------- text
        partner_name,
        partner_type,
        tier,
        account_name,
        partner_account_name,
        play,
        account_name || ' is ' || our_words || case
            when relationship = 'same' then ' and '
            else ', its ' || relative || ' is '
        end || partner_words || ' of ' || partner_name || case
            when strengths = '' then ''
            else ': ' || substr(strengths, 3)
        end || '.' as why,
        replace(ask, '{partner}', partner_name) as ask,
        replace(give_back, '{partner}', partner_name) as give_back,
        our_status,
        partner_status,
        relationship,
        {{ account_mapping.spreadsheet_safe('our_owner') }} as our_owner,
        {{ account_mapping.spreadsheet_safe('our_owner_email') }} as our_owner_email,
        {{ account_mapping.spreadsheet_safe('partner_owner') }} as partner_owner,
        {{ account_mapping.spreadsheet_safe('partner_owner_email') }} as partner_owner_email,
        {{ account_mapping.spreadsheet_safe('our_deal_stage') }} as our_deal_stage,
        {{ account_mapping.spreadsheet_safe('partner_deal_stage') }} as partner_deal_stage,
        our_target_lists,

        ---------- numerics
        score,
        open_amount as our_open_amount,
        our_open_deals,

        ---------- dates
        our_deal_close_date,
        our_last_won_on,
        partner_deal_close_date,
        partner_last_won_on,

        ---------- rank
        cast(row_number() over (
            partition by partner_id, account_id
            order by score desc, play
        ) as bigint) as preference

    from worded

),

final as (

    select * from ranked
    where preference = 1

)

select * from final
