{%- set max_pairs_per_key = 2500 -%}
with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}

),

account_keys as (

    select * from {{ ref('int_account_mapping__account_keys') }}

),

hashed_keys as (

    select * from {{ ref('int_account_mapping__compared_keys') }}
    where key_type <> 'account'

),

hashed_name_keys as (

    select * from {{ ref('int_account_mapping__compared_keys') }}
    where key_type in ('name_short', 'name_short_country', 'name_place')

),

partner_key_rows as (

    select * from {{ ref('int_account_mapping__key_rows') }}
    where
        side = 'partner'
        and problem is null

),

partner_name_keys as (

    select * from {{ ref('int_account_mapping__key_rows') }}
    where
        side = 'partner'
        and problem is null
        and key_type in ('name_short', 'name_short_country', 'name_place')

),

barred_domains as (

    select distinct
        key_domain,
        partner_id

    from {{ ref('int_account_mapping__excluded_domains') }}
    where partner_id <> '*'

),

our_keys as (

    select
        '*' as partner_id,
        account_id,
        key_type,
        key_value

    from account_keys
    where side = 'ours'

    union all

    select
        partner_id,
        account_id,
        key_type,
        token as key_value

    from hashed_keys

),

their_keys as (

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
    where
        account_keys.side = 'partner'
        and barred_domains.key_domain is null

    union all

    select
        partner_id,
        partner_id as our_partner_id,
        account_token as account_id,
        key_type,
        token as key_value

    from partner_key_rows

),

sought_keys as (

    select distinct
        our_partner_id,
        key_type,
        key_value

    from their_keys

),

-- most of our keys no partner has: they are left out before anything is counted
our_sought_keys as (

    select our_keys.*
    from our_keys
    inner join sought_keys
        on
            our_keys.partner_id = sought_keys.our_partner_id
            and our_keys.key_type = sought_keys.key_type
            and our_keys.key_value = sought_keys.key_value

),

our_key_counts as (

    select
        partner_id,
        key_type,
        key_value,
        count(*) as accounts

    from our_sought_keys
    group by partner_id, key_type, key_value

),

their_shared_keys as (

    select
        their_keys.*,
        our_key_counts.accounts as our_accounts

    from their_keys
    inner join our_key_counts
        on
            their_keys.our_partner_id = our_key_counts.partner_id
            and their_keys.key_type = our_key_counts.key_type
            and their_keys.key_value = our_key_counts.key_value

),

-- a key that thousands of pairs share tells nothing about any of them
shared_keys as (

    select
        partner_id,
        our_partner_id,
        key_type,
        key_value

    from their_shared_keys
    group by partner_id, our_partner_id, key_type, key_value, our_accounts
    having count(*) * our_accounts <= {{ max_pairs_per_key }}

),

key_pairs as (

    select
        shared_keys.partner_id,
        shared_keys.our_partner_id,
        shared_keys.key_type,
        shared_keys.key_value,
        our_sought_keys.account_id,
        their_shared_keys.account_id as partner_account_id

    from shared_keys
    inner join our_sought_keys
        on
            shared_keys.our_partner_id = our_sought_keys.partner_id
            and shared_keys.key_type = our_sought_keys.key_type
            and shared_keys.key_value = our_sought_keys.key_value
    inner join their_shared_keys
        on
            shared_keys.partner_id = their_shared_keys.partner_id
            and shared_keys.our_partner_id = their_shared_keys.our_partner_id
            and shared_keys.key_type = their_shared_keys.key_type
            and shared_keys.key_value = their_shared_keys.key_value

),

-- the few accounts that share a key: of the others nobody asks which company they are
paired_accounts as (

    select
        'ours' as side,
        account_id

    from key_pairs

    union

    select
        'partner' as side,
        partner_account_id as account_id

    from key_pairs

),

paired_members as (

    select
        members.side,
        members.scope,
        members.account_id,
        members.unit_id

    from members
    inner join paired_accounts
        on
            members.side = paired_accounts.side
            and members.account_id = paired_accounts.account_id

),

named_accounts as (

    select
        side,
        account_id

    from paired_members

    union

    select
        side,
        unit_id as account_id

    from paired_members

),

-- of accounts that are compared as hashed keys both sides know the same: which have one name, and which have it in one
-- country. Only that may tell companies apart, so that both sides, and a clean room between them, count alike
hashed_name_rows as (

    select
        'ours' as side,
        partner_id,
        account_id,
        key_type,
        token

    from hashed_name_keys

    union all

    select
        'partner' as side,
        partner_id,
        account_token as account_id,
        key_type,
        token

    from partner_name_keys

),

hashed_names as (

    select
        hashed_name_rows.side,
        hashed_name_rows.partner_id,
        hashed_name_rows.account_id,
        coalesce(
            min(case when hashed_name_rows.key_type = 'name_short' then hashed_name_rows.token end),
            min(case when hashed_name_rows.key_type = 'name_place' then hashed_name_rows.token end)
        ) as name,
        min(
            case when hashed_name_rows.key_type <> 'name_short' then hashed_name_rows.token end
        ) as name_in_country

    from hashed_name_rows
    inner join named_accounts
        on
            hashed_name_rows.side = named_accounts.side
            and hashed_name_rows.account_id = named_accounts.account_id
    group by hashed_name_rows.side, hashed_name_rows.partner_id, hashed_name_rows.account_id

),

hashed_scopes as (

    select
        'ours' as side,
        partner_id,
        account_scope as scope

    from partners
    where exchange = 'keys'

    union all

    select
        'partner' as side,
        partner_id,
        partner_id as scope

    from partners
    where exchange = 'keys'

),

-- one family, or names that begin with one word (spelling variants, branches), are one company on a domain
companies as (

    select
        paired_members.side,
        paired_members.scope,
        '*' as for_partner_id,
        paired_members.account_id,
        paired_members.unit_id,
        coalesce(split_part(own_names.name, ' ', 1), paired_members.account_id) as own_name,
        coalesce(own_names.name_short, paired_members.account_id) as own_full_name,
        coalesce(split_part(normalized.name, ' ', 1), paired_members.unit_id) as company,
        coalesce(normalized.name_short, paired_members.unit_id) as family

    from paired_members
    left join normalized
        on
            paired_members.side = normalized.side
            and normalized.partner_id = case when paired_members.side = 'ours' then '*' else paired_members.scope end
            and paired_members.unit_id = normalized.account_id
    left join normalized as own_names
        on
            paired_members.side = own_names.side
            and own_names.partner_id = case when paired_members.side = 'ours' then '*' else paired_members.scope end
            and paired_members.account_id = own_names.account_id

    union all

    select
        paired_members.side,
        paired_members.scope,
        hashed_scopes.partner_id as for_partner_id,
        paired_members.account_id,
        paired_members.unit_id,
        coalesce(own_names.name, paired_members.account_id) as own_name,
        coalesce(own_names.name_in_country, own_names.name, paired_members.account_id) as own_full_name,
        coalesce(unit_names.name, paired_members.unit_id) as company,
        coalesce(unit_names.name, paired_members.unit_id) as family

    from paired_members
    inner join hashed_scopes
        on
            paired_members.side = hashed_scopes.side
            and paired_members.scope = hashed_scopes.scope
    left join hashed_names as own_names
        on
            paired_members.side = own_names.side
            and hashed_scopes.partner_id = own_names.partner_id
            and paired_members.account_id = own_names.account_id
    left join hashed_names as unit_names
        on
            paired_members.side = unit_names.side
            and hashed_scopes.partner_id = unit_names.partner_id
            and paired_members.unit_id = unit_names.account_id

),

paired as (

    select
        key_pairs.partner_id,
        key_pairs.account_id,
        key_pairs.partner_account_id,
        key_pairs.key_type,
        key_pairs.key_value,
        our_companies.company as our_company,
        our_companies.family as our_family,
        our_companies.unit_id as our_unit,
        our_companies.own_name as our_name,
        our_companies.own_full_name as our_full_name,
        their_companies.company as partner_company,
        their_companies.family as partner_family,
        their_companies.unit_id as partner_unit,
        their_companies.own_name as partner_name,
        their_companies.own_full_name as partner_full_name,
        key_pairs.our_partner_id <> '*' as is_hashed

    from key_pairs
    inner join partners
        on key_pairs.partner_id = partners.partner_id
    inner join companies as our_companies
        on
            our_companies.side = 'ours'
            and partners.account_scope = our_companies.scope
            and key_pairs.our_partner_id = our_companies.for_partner_id
            and key_pairs.account_id = our_companies.account_id
    inner join companies as their_companies
        on
            their_companies.side = 'partner'
            and partners.partner_id = their_companies.scope
            and key_pairs.our_partner_id = their_companies.for_partner_id
            and key_pairs.partner_account_id = their_companies.account_id

),

-- one company on either side: one value of any of what tells companies apart. The least and the greatest are equal
-- then, which takes no list of the values
key_companies as (

    select
        partner_id,
        key_type,
        key_value,
        -- a key of part of a name holds for all names that begin with one word: only the whole name tells them apart
        case
            when
                key_type in ('name_core', 'name_core_country', 'name_initials_country', 'name_typo')
                or (is_hashed and key_type like 'name%')
                then min(our_unit) = max(our_unit) or min(our_full_name) = max(our_full_name)
            else
                min(our_company) = max(our_company)
                or min(our_unit) = max(our_unit)
                or min(our_name) = max(our_name)
        end as is_one_of_ours,
        case
            when is_hashed and key_type like 'name%'
                then min(partner_unit) = max(partner_unit) or min(partner_full_name) = max(partner_full_name)
            else
                min(partner_company) = max(partner_company)
                or min(partner_unit) = max(partner_unit)
                or min(partner_name) = max(partner_name)
        end as is_one_of_theirs,
        (
            min(our_family) = max(our_family)
            or min(our_unit) = max(our_unit)
            or min(our_full_name) = max(our_full_name)
        ) and (
            min(partner_family) = max(partner_family)
            or min(partner_unit) = max(partner_unit)
            or min(partner_full_name) = max(partner_full_name)
        ) as is_one_family

    from paired
    group by partner_id, key_type, key_value, is_hashed

),

final as (

    select
        paired.partner_id,
        paired.account_id,
        paired.partner_account_id,
        paired.key_type,
        paired.key_value,
        key_companies.is_one_of_ours and key_companies.is_one_of_theirs as is_unambiguous,
        key_companies.is_one_family as is_of_one_family

    from paired
    inner join key_companies
        on
            paired.partner_id = key_companies.partner_id
            and paired.key_type = key_companies.key_type
            and paired.key_value = key_companies.key_value

)

select * from final
