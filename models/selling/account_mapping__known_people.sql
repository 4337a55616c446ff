with

people_links as (

    select * from {{ ref('int_account_mapping__people_links') }}
    where are_persons_told

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

account_people as (

    {{ account_mapping.people_that_count() | indent(4) }}

),

our_tokens as (

    select * from {{ ref('int_account_mapping__match_keys') }}
    where key_type = 'person'

),

partner_tokens as (

    select * from {{ ref('int_account_mapping__person_key_rows') }}
    where problem is null

),

ranked_contacts as (

    select
        account_id,
        contact_id,
        email,
        person_number,
        role,
        row_number() over (
            partition by account_id, email
            order by
                case when role is null then 1 else 0 end,
                role,
                contact_id
        ) as preference

    from account_people
    where side = 'ours'

),

-- of an address that several contacts have, the first title in the alphabet, and the contact who bears it
our_contacts as (

    select * from ranked_contacts
    where preference = 1

),

listed_contacts as (

    select
        people_links.partner_id,
        people_links.account_id,
        account_people.email,
        min(account_people.role) as partner_title

    from people_links
    inner join account_people
        on
            account_people.side = 'partner'
            and people_links.partner_id = account_people.partner_id
            and people_links.partner_account_id = account_people.account_id
    group by people_links.partner_id, people_links.account_id, account_people.email

),

-- what a hash stands for is known of our own contacts only
hashed_contacts as (

    select distinct
        people_links.partner_id,
        people_links.account_id,
        our_tokens.person_number

    from people_links
    inner join partner_tokens
        on
            people_links.partner_id = partner_tokens.partner_id
            and people_links.partner_account_id = partner_tokens.account_token
    inner join our_tokens
        on
            people_links.partner_id = our_tokens.partner_id
            and people_links.account_id = our_tokens.account_id
            and partner_tokens.token = our_tokens.token

),

known as (

    select
        listed_contacts.partner_id,
        listed_contacts.account_id,
        listed_contacts.email,
        case when our_contacts.email is null then 'partner' else 'both' end as who_knows,
        our_contacts.contact_id,
        our_contacts.role as our_title,
        listed_contacts.partner_title

    from listed_contacts
    left join our_contacts
        on
            listed_contacts.account_id = our_contacts.account_id
            and listed_contacts.email = our_contacts.email

    union all

    select
        hashed_contacts.partner_id,
        hashed_contacts.account_id,
        our_contacts.email,
        'both' as who_knows,
        our_contacts.contact_id,
        our_contacts.role as our_title,
        cast(null as {{ dbt.type_string() }}) as partner_title

    from hashed_contacts
    inner join our_contacts
        on
            hashed_contacts.account_id = our_contacts.account_id
            and hashed_contacts.person_number = our_contacts.person_number

),

final as (

    select
        known.partner_id,
        known.account_id,
        {{ account_mapping.spreadsheet_safe('known.email') | indent(8) }} as email,
        {{ account_mapping.partner_columns('known') | indent(8) }},
        accounts.name as account_name,
        accounts.status as our_status,
        {{ account_mapping.spreadsheet_safe('accounts.owner') | indent(8) }} as our_owner,
        known.who_knows,
        known.contact_id,
        {{ account_mapping.spreadsheet_safe('known.our_title') | indent(8) }} as our_title,
        {{ account_mapping.spreadsheet_safe('known.partner_title') | indent(8) }} as partner_title

    from known
    inner join accounts
        on known.account_id = accounts.account_id
    left join partners
        on known.partner_id = partners.partner_id

)

select * from final
order by partner_id, account_id, email
