{{ config(materialized='view') }}

with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}
    where
        exchange = 'keys'
        and not coalesce(is_blinded, false)

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'ours'

),

account_statuses as (

    select * from {{ ref('int_account_mapping__account_statuses') }}

),

agreements_in_force as (

    select * from {{ ref('int_account_mapping__agreements_in_force') }}
    where direction = 'out'

),

-- before a partner has answered: whom we would name if it accepted all
person_offers as (

    select distinct partner_id
    from {{ ref('stg_account_mapping__settings_sharing_agreements') }}
    where
        direction = 'offered'
        and sharing_level in ('overlapping', 'all')
        and ';' || replace(shared_fields, ' ', '') || ';' like '%;person;%'

),

answered as (

    select distinct partner_id from {{ ref('stg_account_mapping__partner_agreements') }}

),

status_levels as (

    select
        partner_id,
        our_status,
        max(case when sharing_level in ('overlapping', 'all') then 1 else 0 end) = 1 as is_in_force,
        max(case when our_level in ('overlapping', 'all') then 1 else 0 end) = 1 as is_offered,
        max(case when our_level = 'counts' then 1 else 0 end) = 1 as is_counted,
        max(case when our_level = 'hidden' then 1 else 0 end) = 1 as is_hidden

    from agreements_in_force
    group by partner_id, our_status

),

-- the first reason that alone keeps an account's keys at home
judged as (

    select
        partners.partner_id,
        account_statuses.account_id,
        account_statuses.status as our_status,
        case
            when members.account_id is null then 'excluded'
            when status_levels.is_in_force then 'in_force'
            when status_levels.is_offered and answered.partner_id is null then 'no_statement'
            when status_levels.is_offered then 'not_accepted'
            when status_levels.is_counted then 'counts_only'
            when status_levels.is_hidden then 'hidden'
            else 'no_rule'
        end as reason

    from partners
    cross join account_statuses
    left join members
        on
            partners.account_scope = members.scope
            and account_statuses.account_id = members.account_id
    left join status_levels
        on
            partners.partner_id = status_levels.partner_id
            and account_statuses.status = status_levels.our_status
    left join answered
        on partners.partner_id = answered.partner_id

),

final as (

    select
        judged.partner_id,
        judged.account_id,
        judged.our_status,
        case judged.reason
            when 'in_force' then 'leaves'
            when 'no_statement' then 'if_accepted'
            else 'stays'
        end as sharing_state,
        judged.reason,
        person_offers.partner_id is not null as are_people_shared

    from judged
    left join person_offers
        on judged.partner_id = person_offers.partner_id

)

select * from final
