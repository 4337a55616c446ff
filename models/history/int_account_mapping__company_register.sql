{#- Whose id a group of records inherits is decided in rounds; what the last one leaves open gets a new id. -#}
{%- set rounds = 6 -%}
{%- set key = ['record', 'partner_id', 'account_id'] -%}
{%- set facts = {'company_id': dbt.type_string()} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy=account_mapping.replace_strategy(),
        unique_key=key,
        full_refresh=false,
        pre_hook="{{ account_mapping.keep_former(this) }}",
        post_hook="{{ account_mapping.drop_former(this) }}",
        database=var('account_mapping__marts_database') or target.get('database'),
    )
}}
with

company_records as (

    select * from {{ ref('int_account_mapping__company_records') }}

),

-- the id that a group gets if it inherits none
groups_now as (

    select distinct
        group_id,
        {{ account_mapping.content_hash(['group_id', account_mapping.as_of()]) }} as new_company_id

    from company_records

),

{% if is_incremental() -%}
{{ account_mapping.known_intervals(account_mapping.former_rows(this)) }}

-- which ids a record had: by the last run before this day, by earlier ones, or by later ones where this run fills in.
-- What only a former run of this day saw is as if it had not been
memberships as (

    select
        known.partner_id,
        known.account_id,
        known.company_id,
        known.valid_from,
        case
            when known.valid_from < this_run.seen_on and known.valid_until >= this_run.seen_on then 1 else 0
        end as is_latest

    from known
    cross join this_run
    where
        known.record = 'member'
        and known.valid_until > known.valid_from
        and (known.valid_from < this_run.seen_on or known.valid_until > this_run.seen_until)

),

company_ages as (

    select
        company_id,
        min(valid_from) as first_seen_on

    from memberships
    group by company_id

),

held as (

    select
        partner_id,
        account_id,
        company_id,
        max(is_latest) as is_latest,
        min(valid_from) as held_from

    from memberships
    group by partner_id, account_id, company_id

),

votes as (

    select
        company_records.group_id,
        held.company_id,
        sum(held.is_latest) as latest_members,
        count(*) as members,
        min(held.held_from) as held_from

    from company_records
    inner join held
        on
            company_records.partner_id = held.partner_id
            and company_records.account_id = held.account_id
    group by company_records.group_id, held.company_id

),

-- an id that records had in the last run is theirs; one that nobody here had then may come back with its former records
in_use as (

    select distinct company_id
    from votes
    where latest_members > 0

),

-- where a former run of this day gave its least record a new id, no other group may take that one
claims as (

    select
        votes.group_id,
        votes.company_id,
        count(*) over (partition by votes.group_id) as ids_of_group,
        votes.latest_members,
        votes.members,
        votes.held_from,
        company_ages.first_seen_on,
        count(*) over (partition by votes.company_id) as groups_of_id

    from votes
    inner join company_ages
        on votes.company_id = company_ages.company_id
    left join in_use
        on votes.company_id = in_use.company_id
    left join groups_now
        on votes.company_id = groups_now.new_company_id
    where
        (votes.latest_members > 0 or in_use.company_id is null)
        and (groups_now.group_id is null or groups_now.group_id = votes.group_id)

),

contested_0 as (

    select
        group_id,
        company_id,
        row_number() over (
            order by
                case when latest_members > 0 then 0 else 1 end,
                case when latest_members > 0 then latest_members else members end desc,
                first_seen_on, company_id, held_from, group_id
        ) as place,
        true as is_open,
        false as is_settled

    from claims
    where
        ids_of_group > 1
        or groups_of_id > 1

),

{% for round in range(rounds) -%}
-- a group gets an id where each is the other's best of what is open. A step is read once: an engine that puts CTEs in
-- place would have 729 copies of one that is read thrice
best_{{ round }} as (

    select
        *,
        is_open
        and min(case when is_open then place end) over (partition by group_id) = place
        and min(case when is_open then place end) over (partition by company_id) = place as is_best

    from contested_{{ round }}

),

contested_{{ round + 1 }} as (

    select
        group_id,
        company_id,
        place,
        is_open
        and max(case when is_best then 1 else 0 end) over (partition by group_id) = 0
        and max(case when is_best then 1 else 0 end) over (partition by company_id) = 0 as is_open,
        is_settled or is_best as is_settled

    from best_{{ round }}

),

{% endfor -%}
inherited as (

    select
        group_id,
        company_id

    from claims
    where
        ids_of_group = 1
        and groups_of_id = 1

    union all

    select
        group_id,
        company_id

    from contested_{{ rounds }}
    where is_settled

),

{% endif -%}
states as (

    select
        'member' as record,
        company_records.partner_id,
        company_records.account_id,
        {% if is_incremental() -%}
        coalesce(inherited.company_id, groups_now.new_company_id) as company_id
        {%- else -%}
        groups_now.new_company_id as company_id
        {%- endif %}

    from company_records
    inner join groups_now
        on company_records.group_id = groups_now.group_id
    {% if is_incremental() -%}
    left join inherited
        on company_records.group_id = inherited.group_id
    {%- endif %}

),

{{ account_mapping.kept_intervals(
    key, facts, account_mapping.former_rows(this) if is_incremental() else none, is_read=true
) }}

{{ account_mapping.with_former('final', key, this) }}
