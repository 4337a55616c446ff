with

key_matches as (

    select * from {{ ref('int_account_mapping__key_matches') }}

),

fuzzy_pairs as (

    select * from {{ ref('int_account_mapping__fuzzy_pairs') }}

),

name_calibration as (

    select * from {{ ref('int_account_mapping__name_calibration') }}

),

account_keys as (

    select * from {{ ref('int_account_mapping__account_keys') }}

),

hashed_keys as (

    select * from {{ ref('int_account_mapping__hashed_keys') }}

),

partner_key_rows as (

    select * from {{ ref('int_account_mapping__key_rows') }}
    where
        side = 'partner'
        and problem is null

),

domain_aliases as (

    select * from {{ ref('int_account_mapping__domain_aliases') }}
    where relation = 'subsidiary'

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

matched_keys as (

    select
        partner_id,
        account_id,
        partner_account_id,
        max(case when key_type = 'lei' then 1 else 0 end) = 1 as has_lei,
        max(case when key_type = 'duns' then 1 else 0 end) = 1 as has_duns,
        max(case when key_type in ('vat_id', 'linkedin') then 1 else 0 end) = 1 as has_other_identifier,
        min(case when key_type in ('lei', 'duns', 'vat_id', 'linkedin') then key_type end) as identifier,
        max(case when key_type = 'domain' then 1 else 0 end) = 1 as has_domain,
        max(case when key_type = 'domain' and is_unambiguous then 1 else 0 end) = 1 as has_sole_domain,
        max(case when key_type = 'email_domain' then 1 else 0 end) = 1 as has_email_domain,
        max(case when key_type = 'email_domain' and is_unambiguous then 1 else 0 end) = 1
            as has_sole_email_domain,
        coalesce(
            min(case when key_type = 'domain' and is_unambiguous then key_value end),
            min(case when key_type = 'domain' then key_value end),
            min(case when key_type = 'email_domain' and is_unambiguous then key_value end),
            min(case when key_type = 'email_domain' then key_value end)
        ) as shared_domain,
        max(case when key_type in ('name', 'name_sorted') then 1 else 0 end) = 1 as has_exact_name,
        max(case when key_type in ('name_country', 'name_sorted_country') then 1 else 0 end) = 1
            as has_exact_name_and_country,
        max(case when key_type = 'name_short' then 1 else 0 end) = 1 as has_short_name,
        max(case when key_type = 'name_short_country' then 1 else 0 end) = 1 as has_short_name_and_country,
        max(case when key_type in ('name_short', 'name_short_country') and is_unambiguous then 1 else 0 end) = 1
            as has_sole_name,
        max(case when key_type = 'name_core' then 1 else 0 end) = 1 as has_core_name,
        max(case when key_type = 'name_core_country' then 1 else 0 end) = 1 as has_core_name_and_country,
        max(case when key_type in ('name_core', 'name_core_country') and is_unambiguous then 1 else 0 end) = 1
            as has_sole_core_name,
        max(case when key_type = 'name_initials_country' then 1 else 0 end) = 1 as has_initials,
        max(case when key_type = 'name_initials_country' and is_unambiguous then 1 else 0 end) = 1
            as has_sole_initials,
        max(case when key_type = 'name_typo' then 1 else 0 end) = 1 as has_near_name,
        -- each spelling that the two share must be theirs alone
        min(case when key_type = 'name_typo' and not is_unambiguous then 0 else 1 end) = 1 as has_sole_near_name,
        -- how much of the name is equal: all words, all but additions, the first word and initials, all but a letter
        min(case
            when key_type like 'name_initials%' then 3
            when key_type like 'name_core%' then 2
            when key_type = 'name_typo' then 4
            when key_type like 'name%' then 1
        end) as name_key_rank

    from key_matches
    group by partner_id, account_id, partner_account_id

),

-- a domain that is declared a subsidiary's links it with the accounts on the parent's domain
declared_families as (

    select
        theirs.partner_id,
        ours.account_id,
        theirs.account_id as partner_account_id,
        'subsidiary' as declared_relationship,
        domain_aliases.domain as declared_domain,
        domain_aliases.canonical_domain as declared_parent_domain

    from domain_aliases
    inner join account_keys as ours
        on
            ours.side = 'ours'
            and ours.key_type = 'domain'
            and domain_aliases.domain = ours.key_value
    inner join account_keys as theirs
        on
            theirs.side = 'partner'
            and theirs.key_type = 'domain'
            and domain_aliases.canonical_domain = theirs.key_value

    union all

    select
        theirs.partner_id,
        ours.account_id,
        theirs.account_id as partner_account_id,
        'parent' as declared_relationship,
        domain_aliases.domain as declared_domain,
        domain_aliases.canonical_domain as declared_parent_domain

    from domain_aliases
    inner join account_keys as ours
        on
            ours.side = 'ours'
            and ours.key_type = 'domain'
            and domain_aliases.canonical_domain = ours.key_value
    inner join account_keys as theirs
        on
            theirs.side = 'partner'
            and theirs.key_type = 'domain'
            and domain_aliases.domain = theirs.key_value

),

declared as (

    select
        partner_id,
        account_id,
        partner_account_id,
        max(declared_relationship) as declared_relationship,
        min(declared_domain) as declared_domain,
        min(declared_parent_domain) as declared_parent_domain

    from declared_families
    group by partner_id, account_id, partner_account_id

),

-- an account whose whole name is found does not also have part of it in common with another company
name_rivals as (

    select
        partner_id,
        account_id,
        partner_account_id,
        least(
            min(name_key_rank) over (partition by partner_id, account_id),
            min(name_key_rank) over (partition by partner_id, partner_account_id)
        ) < name_key_rank as has_better_name_elsewhere

    from matched_keys

),

pairs as (

    select
        partner_id,
        account_id,
        partner_account_id

    from matched_keys

    union

    select
        partner_id,
        account_id,
        partner_account_id

    from fuzzy_pairs

    union

    select
        partner_id,
        account_id,
        partner_account_id

    from declared

),

-- which kinds of key each side has at all: one that both have and do not share speaks against the pair
our_keys as (

    select
        '*' as partner_id,
        account_id,
        key_type

    from account_keys
    where side = 'ours'

    union all

    select
        partner_id,
        account_id,
        key_type

    from hashed_keys

),

our_key_types as (

    select
        partner_id,
        account_id,
        max(case when key_type = 'lei' then 1 else 0 end) as lei,
        max(case when key_type = 'duns' then 1 else 0 end) as duns,
        max(case when key_type = 'domain' then 1 else 0 end) as website,
        max(case when key_type = 'name_country' then 1 else 0 end) as country

    from our_keys
    group by partner_id, account_id

),

their_keys as (

    select
        partner_id,
        account_id,
        key_type

    from account_keys
    where side = 'partner'

    union all

    select
        partner_id,
        account_token as account_id,
        key_type

    from partner_key_rows

),

their_key_types as (

    select
        partner_id,
        account_id,
        max(case when key_type = 'lei' then 1 else 0 end) as lei,
        max(case when key_type = 'duns' then 1 else 0 end) as duns,
        max(case when key_type = 'domain' then 1 else 0 end) as website,
        max(case when key_type = 'name_country' then 1 else 0 end) as country

    from their_keys
    group by partner_id, account_id

),

evidence as (

    select
        pairs.partner_id,
        pairs.account_id,
        pairs.partner_account_id,
        partners.exchange,
        coalesce(matched_keys.has_lei, false) as has_lei,
        coalesce(matched_keys.has_duns, false) as has_duns,
        coalesce(matched_keys.has_other_identifier, false) as has_other_identifier,
        matched_keys.identifier,
        not coalesce(matched_keys.has_lei, false)
        and coalesce(our_key_types.lei * their_key_types.lei, 0) = 1 as has_lei_conflict,
        not coalesce(matched_keys.has_duns, false)
        and coalesce(our_key_types.duns * their_key_types.duns, 0) = 1 as has_duns_conflict,
        coalesce(matched_keys.has_domain, false) as has_domain,
        coalesce(matched_keys.has_sole_domain, false) as has_sole_domain,
        coalesce(matched_keys.has_email_domain, false) as has_email_domain,
        coalesce(matched_keys.has_sole_email_domain, false) as has_sole_email_domain,
        matched_keys.shared_domain,
        not coalesce(matched_keys.has_email_domain, false)
        and coalesce(our_key_types.website * their_key_types.website, 0) = 1 as has_domain_conflict,
        declared.declared_relationship,
        declared.declared_domain,
        declared.declared_parent_domain,
        coalesce(matched_keys.has_exact_name, false) as has_exact_name,
        case when partners.exchange = 'keys' then matched_keys.name_key_rank end as name_key_rank,
        fuzzy_pairs.name_similarity,
        case
            when partners.exchange = 'list' then fuzzy_pairs.country_agreement
            when matched_keys.has_exact_name_and_country or matched_keys.has_short_name_and_country then 'same'
            when matched_keys.has_core_name_and_country or matched_keys.has_initials or matched_keys.has_near_name
                then 'same'
            when
                matched_keys.name_key_rank is not null
                and coalesce(our_key_types.country * their_key_types.country, 0) = 1
                then 'different'
            else 'unknown'
        end as country_agreement,
        case matched_keys.name_key_rank
            when 1 then matched_keys.has_sole_name
            when 2 then matched_keys.has_sole_core_name
            when 3 then matched_keys.has_sole_initials
            when 4 then matched_keys.has_sole_near_name
        end as is_sole_name,
        fuzzy_pairs.city_agreement,
        fuzzy_pairs.shared_words,
        fuzzy_pairs.our_other_words,
        fuzzy_pairs.partner_other_words,
        fuzzy_pairs.rival_similarity,
        fuzzy_pairs.relationship_by_name,
        case
            when partners.exchange = 'list'
                then case
                    when fuzzy_pairs.name_probability is null then 0.0
                    else {{ account_mapping.shift_odds(
                        'fuzzy_pairs.name_probability', 'name_calibration.intercept', 'name_calibration.slope'
                    ) }}
                end
            -- across the hash only equality can be seen; a country that both keyed and do not share weakens it
            -- (each figure: measured precision of what rests on that key, see DECISIONLOG)
            when not coalesce(matched_keys.has_sole_name, false) and matched_keys.has_short_name then 0.6
            when matched_keys.has_exact_name_and_country then 0.98
            when matched_keys.has_short_name_and_country then 0.95
            when
                (matched_keys.has_exact_name or matched_keys.has_short_name)
                and coalesce(our_key_types.country * their_key_types.country, 0) = 1
                then 0.8
            when matched_keys.has_exact_name then 0.95
            when matched_keys.has_short_name then 0.92
            when name_rivals.has_better_name_elsewhere then 0.3
            when matched_keys.has_core_name
                then case
                    when not matched_keys.has_sole_core_name then 0.5
                    when matched_keys.has_core_name_and_country then 0.95
                    when coalesce(our_key_types.country * their_key_types.country, 0) = 1 then 0.6
                    else 0.92
                end
            when matched_keys.has_initials
                then case when matched_keys.has_sole_initials then 0.92 else 0.5 end
            when matched_keys.has_near_name
                then case when matched_keys.has_sole_near_name then 0.92 else 0.3 end
            else 0.0
        end as name_probability

    from pairs
    inner join partners
        on pairs.partner_id = partners.partner_id
    inner join members as our_members
        on
            our_members.side = 'ours'
            and partners.account_scope = our_members.scope
            and pairs.account_id = our_members.account_id
    inner join members as their_members
        on
            their_members.side = 'partner'
            and pairs.partner_id = their_members.scope
            and pairs.partner_account_id = their_members.account_id
    left join matched_keys
        on
            pairs.partner_id = matched_keys.partner_id
            and pairs.account_id = matched_keys.account_id
            and pairs.partner_account_id = matched_keys.partner_account_id
    left join name_rivals
        on
            pairs.partner_id = name_rivals.partner_id
            and pairs.account_id = name_rivals.account_id
            and pairs.partner_account_id = name_rivals.partner_account_id
    left join fuzzy_pairs
        on
            pairs.partner_id = fuzzy_pairs.partner_id
            and pairs.account_id = fuzzy_pairs.account_id
            and pairs.partner_account_id = fuzzy_pairs.partner_account_id
    left join name_calibration
        on pairs.partner_id = name_calibration.partner_id
    left join declared
        on
            pairs.partner_id = declared.partner_id
            and pairs.account_id = declared.account_id
            and pairs.partner_account_id = declared.partner_account_id
    left join our_key_types
        on
            pairs.account_id = our_key_types.account_id
            and our_key_types.partner_id = case when partners.exchange = 'list' then '*' else pairs.partner_id end
    left join their_key_types
        on
            pairs.partner_id = their_key_types.partner_id
            and pairs.partner_account_id = their_key_types.account_id

),

methods as (

    -- LEI names a legal entity and decides before DUNS, which names a site
    select
        *,
        case
            when has_lei then 'identifier'
            when has_lei_conflict then 'conflict'
            when has_duns then 'identifier'
            when has_duns_conflict then 'conflict'
            when has_other_identifier then 'identifier'
            when has_domain then 'domain'
            when has_email_domain then 'email_domain'
            when declared_relationship is not null then 'hierarchy'
            else 'name'
        end as ground

    from evidence

),

settled_accounts as (

    select distinct
        partner_id,
        account_id

    from methods
    where
        ground = 'identifier'
        or (ground = 'domain' and has_sole_domain)

),

settled_partner_accounts as (

    select distinct
        partner_id,
        partner_account_id

    from methods
    where
        ground = 'identifier'
        or (ground = 'domain' and has_sole_domain)

),

weighed as (

    select
        methods.*,
        settled_accounts.account_id is not null
        or settled_partner_accounts.partner_account_id is not null as is_settled_elsewhere

    from methods
    left join settled_accounts
        on
            methods.partner_id = settled_accounts.partner_id
            and methods.account_id = settled_accounts.account_id
    left join settled_partner_accounts
        on
            methods.partner_id = settled_partner_accounts.partner_id
            and methods.partner_account_id = settled_partner_accounts.partner_account_id

),

final as (

    select
        partner_id,
        account_id,
        partner_account_id,
        round(
            case ground
                when 'identifier' then 0.99
                when 'conflict' then 0.05
                when 'domain'
                    then case
                        when has_sole_domain then 0.95 + 0.04 * name_probability
                        else 0.62 + 0.36 * name_probability
                    end
                when 'email_domain'
                    then case
                        when has_sole_email_domain then 0.92 + 0.06 * name_probability
                        else 0.45 + 0.5 * name_probability
                    end
                when 'hierarchy' then 0.95
                else
                    {{ account_mapping.scale_odds(
                        'name_probability',
                        "(case when has_domain_conflict then 0.4 else 1.0 end"
                        ~ " * case when is_settled_elsewhere and not has_exact_name then 0.2 else 1.0 end)"
                    ) }}
            end, 4
        ) as match_probability,
        case
            when ground = 'identifier' then 'identifier'
            when has_domain then 'domain'
            when has_email_domain then 'email_domain'
            when declared_relationship is not null then 'hierarchy'
            when has_exact_name then 'name_exact'
            when exchange = 'keys' and name_key_rank = 1 then 'name_exact'
            else 'name_fuzzy'
        end as match_method,
        exchange,
        identifier,
        has_lei_conflict,
        has_duns_conflict,
        shared_domain,
        has_sole_domain or has_sole_email_domain as is_sole_domain,
        has_domain_conflict,
        case when ground = 'hierarchy' then declared_relationship end as declared_relationship,
        declared_domain,
        declared_parent_domain,
        name_key_rank,
        is_sole_name,
        name_similarity,
        round(name_probability, 4) as name_probability,
        country_agreement,
        city_agreement,
        shared_words,
        our_other_words,
        partner_other_words,
        rival_similarity,
        relationship_by_name

    from weighed

)

select * from final
