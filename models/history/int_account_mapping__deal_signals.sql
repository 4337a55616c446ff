{{ config(enabled=var('account_mapping__history')) }}
{%- set deal = 'partner_id, account_id, deal_id' -%}
{%- set forever = "cast('9999-12-31' as date)" -%}
with

history as (

    select
        *,
        coalesce(valid_to, {{ forever }}) as valid_until

    from {{ ref('int_account_mapping__history') }}

),

deal_history as (

    select
        *,
        coalesce(valid_to, {{ forever }}) as valid_until

    from {{ ref('int_account_mapping__deal_history') }}

),

received_fields as (

    select * from {{ ref('int_account_mapping__received_fields') }}

),

links as (

    select * from history
    where
        record = 'overlap'
        and valid_until > valid_from

),

deals as (

    select * from deal_history
    where
        record = 'deal'
        and valid_until > valid_from

),

-- a field that a partner told under an agreement shows as long as the agreement lets it cross at this overlap
told_fields as (

    select
        links.partner_id,
        links.account_id,
        links.partner_account_id,
        received_fields.field

    from links
    inner join received_fields
        on
            links.partner_id = received_fields.partner_id
            and links.our_status = received_fields.our_status
            and links.partner_status = received_fields.partner_status
    where links.valid_to is null

),

partners as (

    select
        partner_id,
        min(valid_from) as first_seen_on

    from history
    where
        record <> 'run'
        and valid_until > valid_from
    group by partner_id

),

-- a deal is seen at an account of ours on the days on which both the deal and the overlap are there
seen as (

    select
        deals.partner_id,
        links.account_id,
        deals.deal_id,
        deals.partner_account_id,
        deals.outcome,
        deals.stage,
        deals.opened_on,
        deals.closed_on,
        deals.amount,
        greatest(deals.valid_from, links.valid_from) as seen_on,
        partners.first_seen_on as partner_first_seen_on

    from deals
    inner join links
        on
            deals.partner_id = links.partner_id
            and deals.partner_account_id = links.partner_account_id
            and deals.valid_from < links.valid_until
            and links.valid_from < deals.valid_until
    inner join partners
        on deals.partner_id = partners.partner_id
    left join told_fields
        on
            links.partner_id = told_fields.partner_id
            and links.account_id = told_fields.account_id
            and links.partner_account_id = told_fields.partner_account_id
            and told_fields.field = case when deals.outcome = 'open' then 'deal_stage' else 'last_won_on' end
    where
        deals.told_by <> 'fields'
        or told_fields.field is not null

),

numbered as (

    select
        *,
        row_number() over (partition by {{ deal }} order by seen_on) as sight,
        row_number() over (partition by {{ deal }}, outcome order by seen_on) as sight_of_outcome,
        lag(stage) over (partition by {{ deal }} order by seen_on) as stage_before

    from seen

),

open_stages as (

    select
        *,
        lag(stage) over (partition by {{ deal }} order by seen_on) as open_stage_before

    from numbered
    where
        outcome = 'open'
        and stage is not null

),

moves as (

    select
        *,
        row_number() over (
            partition by {{ deal }}, lower(open_stage_before), lower(stage)
            order by seen_on
        ) as sight_of_move

    from open_stages
    where lower(open_stage_before) <> lower(stage)

),

signals as (

    select
        {{ deal }},
        partner_account_id,
        'deal_opened' as signal,
        cast(null as {{ dbt.type_string() }}) as from_value,
        case when outcome = 'open' then stage end as to_value,
        amount,
        opened_on as happened_on,
        seen_on as first_seen_on

    from numbered
    where
        sight = 1
        -- what was opened and closed between two runs is news twice; what was closed before there were any is not
        and (outcome = 'open' or opened_on > partner_first_seen_on)

    union all

    select
        {{ deal }},
        partner_account_id,
        'deal_advanced' as signal,
        open_stage_before as from_value,
        stage as to_value,
        amount,
        cast(null as date) as happened_on,
        seen_on as first_seen_on

    from moves
    where sight_of_move = 1

    union all

    select
        {{ deal }},
        partner_account_id,
        'deal_' || outcome as signal,
        stage_before as from_value,
        stage as to_value,
        amount,
        closed_on as happened_on,
        seen_on as first_seen_on

    from numbered
    where
        outcome in ('won', 'lost')
        and sight_of_outcome = 1

),

keyed as (

    select
        *,
        -- a deal moves between many stages, and is opened, won and lost once each
        case when signal = 'deal_advanced' then lower(from_value) end as from_key,
        case when signal = 'deal_advanced' then lower(to_value) end as to_key

    from signals

),

final as (

    select
        {{ account_mapping.content_hash(['partner_id', 'account_id', 'deal_id', 'signal', 'from_key', 'to_key']) }}
            as signal_id,
        {{ deal }},
        partner_account_id,
        signal,
        from_value,
        to_value,
        amount,
        happened_on,
        first_seen_on

    from keyed

)

select * from final
