with

partner_fields as (

    select * from {{ ref('stg_account_mapping__partner_fields') }}

),

partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

partner_statuses as (

    select * from {{ ref('int_account_mapping__partner_statuses') }}

),

account_tokens as (

    select * from {{ ref('int_account_mapping__match_keys') }}
    where key_type = 'account'

),

agreed_fields as (

    select * from {{ ref('int_account_mapping__agreed_fields') }}
    where direction = 'in'

),

received_fields as (

    select * from {{ ref('int_account_mapping__received_fields') }}

),

our_statuses as (

    select distinct
        account_tokens.partner_id,
        account_tokens.token,
        members.status

    from account_tokens
    inner join partners
        on account_tokens.partner_id = partners.partner_id
    inner join members
        on
            members.side = 'ours'
            and members.scope in ('*', account_tokens.partner_id)
            and account_tokens.account_id = members.account_id

),

agreed_without_link as (

    select
        partner_id,
        partner_status,
        field

    from agreed_fields
    where sharing_level = 'all'
    group by partner_id, partner_status, field
    having count(*) = 4

),

final as (

    select distinct
        partner_fields.partner_id,
        partner_fields.account_token,
        partner_fields.field,
        partner_fields.field_value,
        case
            when partners.partner_id is null then 'unknown_partner'
            when not partners.is_active then 'inactive_partner'
            when coalesce(partner_fields.agreement_id, '') <> coalesce(partners.agreement_id, '')
                then 'other_agreement'
            when coalesce(partner_fields.epoch, '') <> coalesce(partners.epoch, '')
                then 'other_epoch'
            when
                partners.exchange not in ('keys', 'psi')
                or (received_fields.field is null and agreed_without_link.field is null)
                then 'field_not_agreed'
            when
                partner_fields.field in ('customer_since', 'deal_close_date', 'last_won_on')
                and {{ account_mapping.to_date('partner_fields.field_value') }} is null
                then 'field_not_readable'
        end as problem

    from partner_fields
    left join partners
        on partner_fields.partner_id = partners.partner_id
    left join partner_statuses
        on
            partner_fields.partner_id = partner_statuses.partner_id
            and partner_fields.account_token = partner_statuses.account_id
    left join our_statuses
        on
            partner_fields.partner_id = our_statuses.partner_id
            and partner_fields.partner_account_token = our_statuses.token
    left join received_fields
        on
            partner_fields.partner_id = received_fields.partner_id
            and our_statuses.status = received_fields.our_status
            and partner_statuses.status = received_fields.partner_status
            and partner_fields.field = received_fields.field
    left join agreed_without_link
        on
            partner_fields.partner_account_token is null
            and partner_fields.partner_id = agreed_without_link.partner_id
            and partner_statuses.status = agreed_without_link.partner_status
            and partner_fields.field = agreed_without_link.field

)

select * from final
