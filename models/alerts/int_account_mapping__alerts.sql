{#- A queue is told of when it reaches the threshold, and again when it has doubled. -#}
{%- set doublings = 20 -%}
with

alert_events as (

    select * from {{ ref('int_account_mapping__alert_events') }}

),

alert_rules as (

    select * from {{ ref('stg_account_mapping__settings_alert_rules') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

ruled as (

    select
        alert_events.*,
        alert_rules.severity,
        alert_rules.channel,
        case
            when alert_events.kind <> 'review_queue' then alert_events.subject
            {%- for doubling in range(doublings, 0, -1) %}
            when alert_events.measure >= alert_rules.threshold * {{ 2 ** doubling }} then '{{ doubling }}'
            {%- endfor %}
            else '0'
        end as told_subject,
        alert_events.kind = 'signal' and alert_events.subject like 'overlap@_new %' escape '@' as is_new_overlap

    from alert_events
    inner join alert_rules
        on alert_events.kind = alert_rules.kind
    where
        alert_rules.is_on
        and alert_events.measure >= alert_rules.threshold
        and (
            not alert_events.is_event
            or {{ dbt.datediff(
                'alert_events.happened_on', account_mapping.as_of(), 'day'
            ) }} between 0 and alert_rules.days
        )

),

introduced as (

    select distinct
        partner_id,
        account_id

    from ruled
    where kind = 'warm_introduction'

),

final as (

    select
        ---------- ids
        {{ account_mapping.content_hash(
            ['kind', 'partner_id', 'account_id', 'told_subject'], relation='ruled'
        ) }} as alert_id,
        ruled.partner_id,
        ruled.account_id,

        ---------- text
        partners.partner_name,
        partners.partner_type,
        partners.tier,
        ruled.kind,
        ruled.severity,
        partners.partner_manager as recipient,
        ruled.channel,
        {{ account_mapping.spreadsheet_safe('ruled.title') }} as title,
        {{ account_mapping.spreadsheet_safe('ruled.message') }} as text,

        ---------- dates
        ruled.happened_on

    -- of a new overlap that is a warm introduction too the introduction tells
    from ruled
    left join introduced
        on
            ruled.is_new_overlap
            and ruled.partner_id = introduced.partner_id
            and ruled.account_id = introduced.account_id
    left join partners
        on ruled.partner_id = partners.partner_id
    where introduced.account_id is null

)

select * from final
