{%- set text = dbt.type_string() -%}
{%- set reporting_currency = var('account_mapping__currency') | upper -%}
{%- set has_history = var('account_mapping__history') -%}
{#- Issues that mean that nothing of a delivery is used. -#}
{%- set refused_files = [
    'unreadable_file', 'empty_file', 'too_large_file', 'not_a_file', 'link_leaves_folder', 'unknown_file_type',
    'missing_column', 'file_of_unknown_partner',
] -%}
{%- set refused_keys = [
    'other_agreement', 'other_epoch', 'other_normaliser_version', 'malformed_statement', 'counts_refused',
] -%}
with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

plays as (

    select * from {{ ref('int_account_mapping__plays') }}

),

first_seen as (

    select * from {{ ref('int_account_mapping__overlap_first_seen') }}

),

match_review as (

    select * from {{ ref('account_mapping__match_review') }}

),

data_issues as (

    select * from {{ ref('account_mapping__data_issues') }}

),

partner_files as (

    select * from {{ ref('stg_account_mapping__partner_files') }}

),

{% if has_history -%}
overlap_changes as (

    select * from {{ ref('account_mapping__overlap_changes') }}

),

signals as (

    select * from {{ ref('account_mapping__signals') }}

),

coverage_drops as (

    select * from {{ ref('int_account_mapping__coverage_drops') }}

),

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

partner_accounts as (

    select * from {{ ref('int_account_mapping__partner_accounts') }}

),

status_changes as (

    select
        partner_id,
        account_id,
        partner_account_id,
        max(changed_on) as changed_on

    from overlap_changes
    where change = 'status_changed'
    group by partner_id, account_id, partner_account_id

),

{% endif -%}
first_lists as (

    select
        partner_id,
        min(first_seen_at) as first_seen_at

    from first_seen
    group by partner_id

),

-- what was there with the partner's first list is not news
dated_plays as (

    select
        plays.*,
        case when first_seen.first_seen_at > first_lists.first_seen_at then cast(first_seen.first_seen_at as date) end
            as shared_since,
        {{ 'status_changes.changed_on' if has_history else 'cast(null as date)' }} as changed_on

    from plays
    inner join first_seen
        on
            plays.partner_id = first_seen.partner_id
            and plays.account_id = first_seen.account_id
            and plays.partner_account_id = first_seen.partner_account_id
    inner join first_lists
        on plays.partner_id = first_lists.partner_id
    {%- if has_history %}
    left join status_changes
        on
            plays.partner_id = status_changes.partner_id
            and plays.account_id = status_changes.account_id
            and plays.partner_account_id = status_changes.partner_account_id
    {%- endif %}

),

introductions as (

    select
        'warm_introduction' as kind,
        partner_id,
        account_id,
        our_status || ' ' || partner_status as subject,
        greatest(coalesce(shared_since, changed_on), coalesce(changed_on, shared_since)) as happened_on,
        score as measure,
        true as is_event,
        'Warm introduction to ' || account_name || ' by ' || partner_name as title,
        why || coalesce(' ' || ask || '.', '') as message

    from dated_plays
    where
        partner_status = 'customer'
        and our_status <> 'customer'
        and (shared_since is not null or changed_on is not null)

),

{% if has_history -%}
-- what the partner does not share any more is not told, though it was when the signal was seen
account_signals as (

    select
        'signal' as kind,
        signals.partner_id,
        signals.account_id,
        signals.signal || ' ' || signals.signal_id as subject,
        signals.first_seen_on as happened_on,
        cast(floor(accounts.open_amount) as bigint) as measure,
        true as is_event,
        accounts.name || ' and ' || partners.partner_name || ': ' || case signals.signal
            when 'overlap_new' then 'now shared'
            when 'overlap_lost' then 'no longer shared'
            when 'status_flipped' then 'another status'
            else replace(signals.signal, '_', ' ')
        end as title,
        case
            when signals.signal = 'overlap_lost'
                then partners.partner_name || ' and we no longer share ' || accounts.name || '.'
            else signals.what
        end || ' We have ' || cast(accounts.open_deals as {{ text }})
        || case when accounts.open_deals = 1 then ' open deal' else ' open deals' end || ' there, worth '
        || cast(cast(round(accounts.open_amount) as bigint) as {{ text }}) || ' {{ reporting_currency }}.' as message

    from signals
    inner join partners
        on signals.partner_id = partners.partner_id
    inner join accounts
        on signals.account_id = accounts.account_id
    left join partner_accounts
        on
            signals.partner_id = partner_accounts.partner_id
            and signals.partner_account_id = partner_accounts.account_id
    where
        accounts.open_deals > 0
        -- a first delivery of deals holds old ones
        and coalesce(
            {{ dbt.datediff(
                'signals.happened_on', 'signals.first_seen_on', 'day'
            ) }} <= {{ var('account_mapping__recent_deal_days') | int }}, true
        )
        and not accounts.is_excluded
        and (signals.signal = 'overlap_lost') = (not signals.is_shared_now)
        and (
            signals.signal not in ('overlap_new', 'status_flipped')
            or coalesce(signals.to_value, 'not_shared') = coalesce(partner_accounts.status, 'not_shared')
        )

),

fewer_accounts as (

    select
        'coverage_drop' as kind,
        coverage_drops.partner_id,
        cast(null as {{ text }}) as account_id,
        cast(coverage_drops.run_on as {{ text }}) as subject,
        coverage_drops.run_on as happened_on,
        coverage_drops.percent_fewer as measure,
        true as is_event,
        partners.partner_name || ' knows fewer of our accounts' as title,
        'On ' || cast(coverage_drops.run_on as {{ text }}) || ' ' || partners.partner_name || ' knew '
        || cast(coverage_drops.accounts_now as {{ text }}) || ' accounts of ours, and '
        || cast(coverage_drops.accounts_before as {{ text }}) || ' in the run before, on '
        || cast(coverage_drops.previous_run_on as {{ text }}) || ': '
        || cast(coverage_drops.percent_fewer as {{ text }}) || ' percent fewer. Look whether its list is whole.'
            as message

    from coverage_drops
    inner join partners
        on coverage_drops.partner_id = partners.partner_id

),

{% endif -%}
aged_lists as (

    select
        partner_id,
        partner_name,
        cast(last_updated_at as date) as updated_on,
        cast({{ dbt.datediff(
            'last_updated_at', account_mapping.as_of(), 'day'
        ) }} as bigint) as age_days

    from partners
    where last_updated_at is not null

),

stale_lists as (

    select
        'list_stale' as kind,
        partner_id,
        cast(null as {{ text }}) as account_id,
        cast(updated_on as {{ text }}) as subject,
        updated_on as happened_on,
        age_days as measure,
        false as is_event,
        'The list of ' || partner_name || ' is old' as title,
        -- without the age, which is another one in every run
        'The latest update in the list of ' || partner_name || ' is of ' || cast(updated_on as {{ text }})
        || '. Ask for a new one.' as message

    from aged_lists

),

file_partners as (

    select
        file_name,
        min(partner_id) as partner_id

    from partner_files
    group by file_name

),

refused_lists as (

    select
        'list_refused' as kind,
        partners.partner_id,
        cast(null as {{ text }}) as account_id,
        data_issues.data_issue_id as subject,
        {{ account_mapping.as_of() }} as happened_on,
        cast(0 as bigint) as measure,
        false as is_event,
        'A delivery of ' || coalesce(partners.partner_name, 'an unknown partner') || ' is not used' as title,
        data_issues.source || ', ' || data_issues.row_key || ': ' || replace(data_issues.problem, '_', ' ')
        || coalesce(' (' || data_issues.detail || ')', '') || '; ' || data_issues.action || '.' as message

    from data_issues
    left join file_partners
        on data_issues.source = file_partners.file_name
    left join partners
        on partners.partner_id = case
            when data_issues.problem in (
                {%- for problem in refused_files %}
                '{{ problem }}'{{ ',' if not loop.last }}
                {%- endfor %}
            ) then file_partners.partner_id
            else data_issues.row_key
        end
    where
        data_issues.problem in (
            {%- for problem in refused_files + refused_keys %}
            '{{ problem }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )

),

waiting_pairs as (

    select
        partner_id,
        count(*) as pairs

    from match_review
    group by partner_id

),

review_queues as (

    select
        'review_queue' as kind,
        waiting_pairs.partner_id,
        cast(null as {{ text }}) as account_id,
        cast(null as {{ text }}) as subject,
        {{ account_mapping.as_of() }} as happened_on,
        cast(waiting_pairs.pairs as bigint) as measure,
        false as is_event,
        'Pairs of ' || partners.partner_name || ' wait for a person' as title,
        cast(waiting_pairs.pairs as {{ text }}) || ' pairs of ' || partners.partner_name
        || ' are too likely to drop and too doubtful to accept. Decide them, the first in account_mapping__match_review'
        || ' first.' as message

    from waiting_pairs
    inner join partners
        on waiting_pairs.partner_id = partners.partner_id

),

final as (

    select * from introductions

    union all

    {% if has_history -%}
    select * from account_signals

    union all

    select * from fewer_accounts

    union all

    {% endif -%}
    select * from stale_lists

    union all

    select * from refused_lists

    union all

    select * from review_queues

)

select * from final
