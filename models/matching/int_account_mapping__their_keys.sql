{{ config(materialized='view') }}

with

account_keys as (

    select * from {{ ref('int_account_mapping__account_keys') }}
    where side = 'partner'

),

partner_key_rows as (

    select * from {{ ref('int_account_mapping__key_rows') }}
    where
        side = 'partner'
        and problem is null

),

barred_domains as (

    select distinct
        key_domain,
        partner_id

    from {{ ref('int_account_mapping__excluded_domains') }}
    where partner_id <> '*'

),

final as (

    select
        account_keys.partner_id,
        '*' as our_partner_id,
        account_keys.account_id,
        account_keys.key_type,
        account_keys.key_value

    from account_keys
    left join barred_domains
        on
            account_keys.partner_id = barred_domains.partner_id
            and account_keys.key_type in ('domain', 'email_domain')
            and account_keys.key_value = barred_domains.key_domain
    where barred_domains.key_domain is null

    union all

    select
        partner_id,
        partner_id as our_partner_id,
        account_token as account_id,
        key_type,
        token as key_value

    from partner_key_rows

)

select * from final
