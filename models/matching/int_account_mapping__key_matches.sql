with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

our_shared_keys as (

    select * from {{ ref('int_account_mapping__our_shared_keys') }}

),

their_shared_keys as (

    select * from {{ ref('int_account_mapping__their_shared_keys') }}

),

key_companies as (

    select * from {{ ref('int_account_mapping__key_companies') }}

),

key_pairs as (

    select
        their_shared_keys.partner_id,
        their_shared_keys.our_partner_id,
        their_shared_keys.key_type,
        their_shared_keys.key_value,
        our_shared_keys.account_id,
        their_shared_keys.account_id as partner_account_id

    from their_shared_keys
    inner join our_shared_keys
        on
            their_shared_keys.our_partner_id = our_shared_keys.partner_id
            and their_shared_keys.key_type = our_shared_keys.key_type
            and their_shared_keys.key_value = our_shared_keys.key_value

),

final as (

    select
        key_pairs.partner_id,
        key_pairs.account_id,
        key_pairs.partner_account_id,
        key_pairs.key_type,
        key_pairs.key_value,
        coalesce(our_companies.is_one_company, true)
        and coalesce(their_companies.is_one_company, true) as is_unambiguous,
        coalesce(our_companies.is_one_family, true)
        and coalesce(their_companies.is_one_family, true) as is_of_one_family

    from key_pairs
    inner join partners
        on key_pairs.partner_id = partners.partner_id
    inner join members as our_members
        on
            our_members.side = 'ours'
            and partners.account_scope = our_members.scope
            and key_pairs.account_id = our_members.account_id
    inner join members as their_members
        on
            their_members.side = 'partner'
            and key_pairs.partner_id = their_members.scope
            and key_pairs.partner_account_id = their_members.account_id
    left join key_companies as our_companies
        on
            our_companies.side = 'ours'
            and partners.account_scope = our_companies.scope
            and key_pairs.our_partner_id = our_companies.our_partner_id
            and key_pairs.key_type = our_companies.key_type
            and key_pairs.key_value = our_companies.key_value
    left join key_companies as their_companies
        on
            their_companies.side = 'partner'
            and key_pairs.partner_id = their_companies.scope
            and key_pairs.our_partner_id = their_companies.our_partner_id
            and key_pairs.key_type = their_companies.key_type
            and key_pairs.key_value = their_companies.key_value

)

select * from final
