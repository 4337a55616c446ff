{#- Less likely pairs are there because they share a key: candidates by name begin here. -#}
{%- set least_probability = 0.01 -%}
with

fuzzy_pairs as (

    select * from {{ ref('int_account_mapping__fuzzy_pairs') }}
    where
        name_probability >= {{ least_probability }}
        and relationship_by_name is null
        and country_agreement <> 'different'

),

shared_keys as (

    select
        partner_id,
        account_id,
        partner_account_id,
        max(case when key_type = 'domain' and is_unambiguous then 1 else 0 end) as has_sole_domain

    from {{ ref('int_account_mapping__key_matches') }}
    where key_type in ('domain', 'email_domain', 'lei', 'duns', 'vat_id', 'linkedin')
    group by partner_id, account_id, partner_account_id

),

websites as (

    select distinct
        side,
        partner_id,
        account_id

    from {{ ref('int_account_mapping__account_keys') }}
    where key_type = 'domain'

),

settled_accounts as (

    select distinct
        partner_id,
        account_id

    from shared_keys
    where has_sole_domain = 1

),

settled_partner_accounts as (

    select distinct
        partner_id,
        partner_account_id

    from shared_keys
    where has_sole_domain = 1

),

-- who shares a website that is nobody else's is one company; who has another website, while the company of at least
-- one of the two is known by its website, is not; about all other pairs nothing is known
labelled as (

    select
        fuzzy_pairs.partner_id,
        cast(round(cast(fuzzy_pairs.name_probability as decimal(5, 4)), 3) as double) as name_probability,
        coalesce(shared_keys.has_sole_domain, 0) as is_same

    from fuzzy_pairs
    inner join websites as our_websites
        on
            our_websites.side = 'ours'
            and fuzzy_pairs.account_id = our_websites.account_id
    inner join websites as their_websites
        on
            their_websites.side = 'partner'
            and fuzzy_pairs.partner_id = their_websites.partner_id
            and fuzzy_pairs.partner_account_id = their_websites.account_id
    left join shared_keys
        on
            fuzzy_pairs.partner_id = shared_keys.partner_id
            and fuzzy_pairs.account_id = shared_keys.account_id
            and fuzzy_pairs.partner_account_id = shared_keys.partner_account_id
    left join settled_accounts
        on
            fuzzy_pairs.partner_id = settled_accounts.partner_id
            and fuzzy_pairs.account_id = settled_accounts.account_id
    left join settled_partner_accounts
        on
            fuzzy_pairs.partner_id = settled_partner_accounts.partner_id
            and fuzzy_pairs.partner_account_id = settled_partner_accounts.partner_account_id
    where
        shared_keys.has_sole_domain = 1
        or (
            shared_keys.partner_id is null
            and (
                settled_accounts.account_id is not null
                or settled_partner_accounts.partner_account_id is not null
            )
        )

),

final as (

    select
        partner_id,
        name_probability,
        count(*) as pairs,
        sum(is_same) as same_pairs

    from labelled
    group by partner_id, name_probability

)

select * from final
