with

target_accounts as (

    select * from {{ ref('stg_account_mapping__settings_target_accounts') }}

),

account_spellings as (

    select * from {{ ref('int_account_mapping__account_spellings') }}

),

domains as (

    select * from {{ ref('int_account_mapping__domains') }}
    where domain is not null

),

domain_aliases as (

    select * from {{ ref('int_account_mapping__domain_aliases') }}
    where relation = 'alias'

),

account_domains as (

    select * from {{ ref('int_account_mapping__account_domains') }}
    where side = 'ours'

),

named as (

    select
        target_accounts.list_name,
        target_accounts.account_id as target_account_id,
        target_accounts.raw_domain as target_domain,
        account_spellings.account_id

    from target_accounts
    inner join account_spellings
        on target_accounts.account_id = account_spellings.spelling

    union

    -- a domain names every account that carries it
    select
        target_accounts.list_name,
        target_accounts.account_id as target_account_id,
        target_accounts.raw_domain as target_domain,
        account_domains.account_id

    from target_accounts
    inner join domains
        on target_accounts.raw_domain = domains.raw_value
    left join domain_aliases
        on domains.domain = domain_aliases.domain
    inner join account_domains
        on coalesce(domain_aliases.canonical_domain, domains.domain) = account_domains.key_domain

),

final as (

    -- targets that name no account stay, with a null account
    select
        target_accounts.list_name,
        target_accounts.account_id as target_account_id,
        target_accounts.raw_domain as target_domain,
        named.account_id

    from target_accounts
    left join named
        on
            target_accounts.list_name = named.list_name
            and coalesce(target_accounts.account_id, '') = coalesce(named.target_account_id, '')
            and coalesce(target_accounts.raw_domain, '') = coalesce(named.target_domain, '')

)

select * from final
