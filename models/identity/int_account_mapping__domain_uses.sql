with

account_domains as (

    select * from {{ ref('int_account_mapping__account_domains') }}
    where is_website

),

barred_domains as (

    select distinct
        key_domain,
        partner_id

    from {{ ref('int_account_mapping__excluded_domains') }}

),

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}

),

-- an account may have one key domain in several spellings
account_uses as (

    select
        account_domains.side,
        account_domains.partner_id,
        account_domains.account_id,
        account_domains.key_domain,
        max(case when account_domains.has_page then 1 else 0 end) as has_page

    from account_domains
    left join barred_domains
        on
            account_domains.key_domain = barred_domains.key_domain
            and (
                barred_domains.partner_id = '*'
                or barred_domains.partner_id = account_domains.partner_id
            )
    where barred_domains.key_domain is null
    group by
        account_domains.side,
        account_domains.partner_id,
        account_domains.account_id,
        account_domains.key_domain

),

final as (

    select
        account_uses.side,
        account_uses.partner_id,
        account_uses.key_domain,
        count(*) as n_accounts,
        sum(account_uses.has_page) as n_pages,
        count(distinct normalized.name) as n_names,
        {{ account_mapping.list_text('normalized.name', ';') }} as names

    from account_uses
    left join normalized
        on
            account_uses.side = normalized.side
            and account_uses.partner_id = normalized.partner_id
            and account_uses.account_id = normalized.account_id
    group by
        account_uses.side,
        account_uses.partner_id,
        account_uses.key_domain

)

select * from final
