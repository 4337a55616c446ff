{{ config(enabled=var('account_mapping__history')) }}
{%- set text = dbt.type_string() -%}
with

partner_accounts as (

    select
        partner_id,
        account_id,
        deal_stage,
        deal_close_date,
        last_won_on,
        {{ account_mapping.stage_outcome('deal_stage') }} as stage_outcome

    from {{ ref('int_account_mapping__partner_accounts') }}

),

partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

-- who sends its deals tells more of them than its accounts do
senders as (

    select distinct partner_id from {{ ref('int_account_mapping__partner_deals') }}

),

silent_accounts as (

    select
        partner_accounts.*,
        case when partners.exchange = 'list' then 'list' else 'fields' end as told_by

    from partner_accounts
    inner join partners
        on partner_accounts.partner_id = partners.partner_id
    left join senders
        on partner_accounts.partner_id = senders.partner_id
    where senders.partner_id is null

),

-- ids that no reader takes for the partner's own: of an account's open deals one is told, and of those won the last
final as (

    select
        partner_id,
        account_id || ' (open)' as deal_id,
        account_id as partner_account_id,
        'open' as outcome,
        deal_stage as stage,
        cast(null as date) as opened_on,
        deal_close_date as closed_on,
        cast(null as decimal(28, 2)) as amount,
        told_by

    from silent_accounts
    where
        deal_stage is not null
        and stage_outcome is null

    union all

    select
        partner_id,
        account_id || ' (won ' || cast(last_won_on as {{ text }}) || ')' as deal_id,
        account_id as partner_account_id,
        'won' as outcome,
        cast(null as {{ text }}) as stage,
        cast(null as date) as opened_on,
        last_won_on as closed_on,
        cast(null as decimal(28, 2)) as amount,
        told_by

    from silent_accounts
    where last_won_on is not null

)

select * from final
