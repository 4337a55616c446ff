{{ config(enabled=var('account_mapping__history')) }}
{%- set text = dbt.type_string() -%}
{%- set statuses = {
    'customer': 'a customer', 'open_opportunity': 'an open opportunity', 'churned': 'a former customer',
    'prospect': 'a prospect',
} -%}
with

overlap_history as (

    select * from {{ ref('account_mapping__overlap_history') }}

),

overlap_changes as (

    select * from {{ ref('account_mapping__overlap_changes') }}

),

deal_signals as (

    select * from {{ ref('int_account_mapping__deal_signals') }}

),

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

partners as (

    select * from {{ ref('int_account_mapping__named_partners') }}

),

shared_now as (

    select distinct
        partner_id,
        account_id

    from overlap_history
    where valid_to is null

),

-- a status that was not told for a while flips against the one told last
told_statuses as (

    select
        partner_id,
        account_id,
        partner_account_id,
        valid_from,
        change,
        partner_status,
        lag(partner_status) over (
            partition by partner_id, account_id, partner_account_id
            order by valid_from
        ) as status_before

    from overlap_history
    where partner_status <> 'not_shared'

),

overlap_signals as (

    select
        partner_id,
        account_id,
        partner_account_id,
        case when change = 'left' then 'overlap_lost' else 'overlap_new' end as signal,
        case when change = 'left' then previous_partner_status end as from_value,
        partner_status as to_value,
        changed_on as first_seen_on

    from overlap_changes
    where change in ('entered', 'returned', 'left')

    union all

    select
        partner_id,
        account_id,
        partner_account_id,
        'status_flipped' as signal,
        status_before as from_value,
        partner_status as to_value,
        valid_from as first_seen_on

    from told_statuses
    where
        change in ('status_changed', 'changed')
        and status_before <> partner_status

),

signals as (

    select
        {{ account_mapping.content_hash(
            ['partner_id', 'account_id', 'partner_account_id', 'signal', 'first_seen_on']
        ) }} as signal_id,
        partner_id,
        account_id,
        partner_account_id,
        signal,
        cast(null as {{ text }}) as deal_id,
        from_value,
        to_value,
        cast(null as decimal(28, 2)) as amount,
        cast(null as date) as happened_on,
        first_seen_on

    from overlap_signals

    union all

    select
        signal_id,
        partner_id,
        account_id,
        partner_account_id,
        signal,
        deal_id,
        {{ account_mapping.spreadsheet_safe('from_value') }} as from_value,
        {{ account_mapping.spreadsheet_safe('to_value') }} as to_value,
        amount,
        happened_on,
        first_seen_on

    from deal_signals

),

named as (

    select
        signals.*,
        {{ account_mapping.partner_columns('signals') | indent(8) }},
        accounts.name as account_name,
        accounts.status as our_status,
        {{ account_mapping.spreadsheet_safe('accounts.owner') }} as our_owner_name,
        coalesce(accounts.name, signals.account_id) as account_text,
        case signals.from_value
            {% for status, words in statuses.items() -%}
            when '{{ status }}' then '{{ words }}'
            {% endfor -%}
        end as from_text,
        case signals.to_value
            {% for status, words in statuses.items() -%}
            when '{{ status }}' then '{{ words }}'
            {% endfor -%}
        end as to_text,
        coalesce(' on ' || cast(signals.happened_on as {{ text }}), '')
        || coalesce(
            ', worth ' || cast(signals.amount as {{ text }}) || ' {{ var("account_mapping__currency") | upper }}', ''
        ) as when_and_worth,
        shared_now.partner_id is not null as is_shared_now

    from signals
    left join partners
        on signals.partner_id = partners.partner_id
    left join accounts
        on signals.account_id = accounts.account_id
    left join shared_now
        on
            signals.partner_id = shared_now.partner_id
            and signals.account_id = shared_now.account_id

),

told as (

    select
        *,
        case signal
            when 'overlap_new'
                then partner_name || ' knows ' || account_text || ' too' || coalesce(', as ' || to_text, '')
            when 'overlap_lost'
                then
                    partner_name || ' and we no longer share ' || account_text
                    || coalesce('; it was ' || from_text || ' of theirs', '')
            when 'status_flipped'
                then partner_name || ' had ' || account_text || ' as ' || from_text || ' and now has it as ' || to_text
            when 'deal_opened'
                then partner_name || ' has opened a deal with ' || account_text || when_and_worth
            when 'deal_advanced'
                then
                    partner_name || ' has moved a deal with ' || account_text || ' from ' || from_value || ' to '
                    || to_value || when_and_worth
            when 'deal_won'
                then partner_name || ' has won a deal with ' || account_text || when_and_worth
            when 'deal_lost'
                then partner_name || ' has lost a deal with ' || account_text || when_and_worth
        end || '.' as sentence

    from named

),

final as (

    select
        ---------- ids
        signal_id,
        partner_id,
        account_id,
        partner_account_id,
        deal_id,

        ---------- text
        partner_name,
        partner_type,
        tier,
        account_name,
        signal,
        from_value,
        to_value,
        our_status,
        our_owner_name,
        {{ account_mapping.spreadsheet_safe('sentence') }} as what,

        ---------- numerics
        amount,

        ---------- dates
        happened_on,
        first_seen_on,

        ---------- flags
        is_shared_now

    from told

)

select * from final
order by first_seen_on, partner_id, account_id, signal, deal_id, signal_id
